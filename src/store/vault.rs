//! Sealing: what must not stand in clear in the database, and how it is found all the same.
//!
//! A 32-byte master key gives two sub-keys by HKDF-SHA-256: one seals (XChaCha20-Poly1305, a random nonce in front), one
//! indexes (HMAC-SHA-256 cut to 16 bytes). Two master keys may live at once: everything new takes the current one.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Error, Result};
use crate::clock::Clock;
use crate::domain::{Address, AddressKind, WorkspaceId};

const NONCE_BYTES: usize = 24;

/// The keys in use, newest first.
#[derive(Debug)]
pub struct Vault {
    keys: Vec<Key>,
    secret: [u8; 32],
    clock: Clock,
}

struct Key {
    id: i64,
    cipher: XChaCha20Poly1305,
    index: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// Sealed bytes, and the key that sealed them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Sealed {
    /// Which master key.
    pub key_id: i64,
    /// The nonce, then the sealed bytes.
    pub sealed: Vec<u8>,
}

impl Vault {
    /// Takes master keys with their ids, the current one first.
    pub(crate) fn new(keys: &[(i64, [u8; 32])], clock: Clock) -> Self {
        let keys = keys.iter().map(|(id, master)| Key::new(*id, master)).collect();
        Self { keys, secret: [0; 32], clock }
    }

    /// The same keys with the secret of the database.
    pub(super) fn with_secret(self, secret: [u8; 32]) -> Self {
        Self { secret, ..self }
    }

    /// A keyed hash of parts that cannot run into each other. It tells contents apart and outlives every master key,
    /// and nobody can try phone numbers on it who has the database alone.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 32] {
        authenticate(&self.secret, parts)
    }

    /// The key that seals everything new.
    pub fn current_key(&self) -> i64 {
        self.keys[0].id
    }

    /// Seals for one table and workspace; `about` binds it to the row as well.
    pub fn seal(&self, table: &str, workspace: WorkspaceId, about: &[u8], plain: &[u8]) -> Result<Sealed> {
        let key = &self.keys[0];
        let nonce: [u8; NONCE_BYTES] = self.clock.bytes();
        let aad = associated(table, workspace, key.id, about);
        let payload = Payload { msg: plain, aad: &aad };
        let bytes = key.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::Corrupt("no room to seal"))?;
        Ok(Sealed { key_id: key.id, sealed: [&nonce[..], &bytes].concat() })
    }

    /// Opens what [`Vault::seal`] sealed with the same table, workspace and `about`.
    pub fn open(&self, table: &str, workspace: WorkspaceId, about: &[u8], sealed: &Sealed) -> Result<Vec<u8>> {
        let key = self.keys.iter().find(|key| key.id == sealed.key_id);
        let key = key.ok_or(Error::Corrupt("a row sealed by a master key that is not here"))?;
        let (nonce, bytes) =
            sealed.sealed.split_at_checked(NONCE_BYTES).ok_or(Error::Corrupt("a sealed row cut short"))?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Error::Corrupt("a sealed row cut short"))?;
        let aad = associated(table, workspace, key.id, about);
        key.cipher
            .decrypt(&XNonce::from(nonce), Payload { msg: bytes, aad: &aad })
            .map_err(|_| Error::Corrupt("a sealed row that does not open"))
    }

    /// The blind index of an address under each key, the current one first.
    pub fn blind_indexes(&self, workspace: WorkspaceId, address: &Address) -> Vec<[u8; 16]> {
        self.keys.iter().map(|key| key.blind_index(workspace, address)).collect()
    }

    /// Seals an address, bound to its blind index under the current key.
    pub fn seal_address(&self, workspace: WorkspaceId, address: &Address) -> Result<([u8; 16], Sealed)> {
        let index = self.keys[0].blind_index(workspace, address);
        Ok((index, self.seal("addresses", workspace, &index, address.as_str().as_bytes())?))
    }

    /// Opens an address.
    pub fn open_address(
        &self,
        workspace: WorkspaceId,
        kind: AddressKind,
        index: &[u8],
        sealed: &Sealed,
    ) -> Result<Address> {
        let plain = self.open("addresses", workspace, index, sealed)?;
        let text = String::from_utf8(plain).map_err(|_| Error::Corrupt("an address that is no text"))?;
        Ok(Address::from_stored(kind, text))
    }
}

impl Key {
    fn new(id: i64, master: &[u8; 32]) -> Self {
        Self { id, cipher: XChaCha20Poly1305::new(&sub_key(master, "seal").into()), index: sub_key(master, "index") }
    }

    fn blind_index(&self, workspace: WorkspaceId, address: &Address) -> [u8; 16] {
        let kind: &[u8] = match address.kind() {
            AddressKind::Phone => b"phone",
            AddressKind::Email => b"email",
        };
        let parts: [&[u8]; 3] = [&workspace.0.to_be_bytes(), kind, address.as_str().as_bytes()];
        let whole = authenticate(&self.index, &parts);
        let mut index = [0; 16];
        index.copy_from_slice(&whole[..16]);
        index
    }
}

/// What a database remembers of a master key, to tell a wrong one.
pub(super) fn check_value(master: &[u8; 32]) -> [u8; 32] {
    authenticate(&sub_key(master, "check"), &[b"switchboard"])
}

fn sub_key(master: &[u8; 32], purpose: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let expanded = Hkdf::<Sha256>::new(Some(b"switchboard"), master).expand(purpose.as_bytes(), &mut key);
    debug_assert!(expanded.is_ok(), "32 bytes are within what HKDF gives");
    key
}

fn authenticate(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    use hmac::KeyInit as _;
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn associated(table: &str, workspace: WorkspaceId, key_id: i64, about: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(table.len() + about.len() + 17);
    aad.extend_from_slice(table.as_bytes());
    aad.push(0);
    aad.extend_from_slice(&workspace.0.to_be_bytes());
    aad.extend_from_slice(&key_id.to_be_bytes());
    aad.extend_from_slice(about);
    aad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PhoneRules, Timestamp};

    fn vault(keys: &[(i64, [u8; 32])]) -> Vault {
        Vault::new(keys, Clock::manual(Timestamp::from_micros(0), 1))
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_own_place() {
        let vault = vault(&[(1, [7; 32])]);
        let sealed = vault.seal("addresses", WorkspaceId(1), b"a", b"secret").unwrap();
        assert_eq!(vault.open("addresses", WorkspaceId(1), b"a", &sealed).unwrap(), b"secret");
        assert!(vault.open("quarantine", WorkspaceId(1), b"a", &sealed).is_err());
        assert!(vault.open("addresses", WorkspaceId(2), b"a", &sealed).is_err());
        assert!(vault.open("addresses", WorkspaceId(1), b"b", &sealed).is_err());
        assert!(!sealed.sealed.windows(6).any(|part| part == b"secret"));
    }

    #[test]
    fn the_previous_key_still_opens_and_still_finds() {
        let old = vault(&[(1, [7; 32])]);
        let both = vault(&[(2, [8; 32]), (1, [7; 32])]);
        let address = Address::phone("+12015550100", &PhoneRules { default_country: "+1".to_owned() }).unwrap();
        let (index, sealed) = old.seal_address(WorkspaceId(1), &address).unwrap();
        assert_eq!(both.open_address(WorkspaceId(1), AddressKind::Phone, &index, &sealed).unwrap(), address);
        assert!(both.blind_indexes(WorkspaceId(1), &address).contains(&index));
        assert_eq!(both.seal_address(WorkspaceId(1), &address).unwrap().1.key_id, 2);
        assert_ne!(both.blind_indexes(WorkspaceId(2), &address)[0], both.blind_indexes(WorkspaceId(1), &address)[0]);
    }
}
