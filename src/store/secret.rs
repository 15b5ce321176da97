//! The secret of a database: what its keyed hashes are made with. It is sealed like an address, and outlives the key
//! that seals it.

use serde::{Deserialize, Serialize};

use super::{Error, Result, Sealed, Tx, Vault, on};
use crate::clock::Clock;
use crate::domain::WorkspaceId;

#[derive(Serialize, Deserialize)]
struct Kept {
    key: i64,
    sealed: String,
}

impl Tx {
    /// The secret; the first open draws it.
    pub(super) async fn ensure_secret(&mut self, vault: &Vault, clock: &Clock) -> Result<[u8; 32]> {
        if let Some(sealed) = self.find_secret().await? {
            return open(vault, &sealed);
        }
        let secret = clock.bytes();
        self.keep_secret(vault, &secret).await?;
        Ok(secret)
    }

    /// Seals the secret under the current master key, if another one sealed it; gives how many secrets that were.
    pub(super) async fn rekey_secret(&mut self) -> Result<u64> {
        let store = self.store.clone();
        let vault = store.vault();
        match self.find_secret().await? {
            Some(sealed) if sealed.key_id != vault.current_key() => {
                let secret = open(vault, &sealed)?;
                self.keep_secret(vault, &secret).await?;
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    async fn find_secret(&mut self) -> Result<Option<Sealed>> {
        const SQL: &str = "select value from settings where name = 'secret'";
        let value: Option<String> = on!(self, |conn| sqlx::query_scalar(SQL).fetch_optional(conn).await)?;
        let read = |value: String| {
            let kept: Kept =
                serde_json::from_str(&value).map_err(|_| Error::Corrupt("a secret that cannot be read"))?;
            let sealed = hex::decode(kept.sealed).map_err(|_| Error::Corrupt("a secret that cannot be read"))?;
            Ok(Sealed { key_id: kept.key, sealed })
        };
        value.map(read).transpose()
    }

    async fn keep_secret(&mut self, vault: &Vault, secret: &[u8; 32]) -> Result<()> {
        const SQL: &str = "insert into settings (name, value) values ('secret', $1)
            on conflict (name) do update set value = excluded.value";
        let Sealed { key_id, sealed } = vault.seal("settings", WorkspaceId::DEFAULT, b"secret", secret)?;
        let value = super::set(&Kept { key: key_id, sealed: hex::encode(sealed) })?;
        on!(self, |conn| sqlx::query(SQL).bind(value).execute(conn).await.map(drop))?;
        Ok(())
    }
}

fn open(vault: &Vault, sealed: &Sealed) -> Result<[u8; 32]> {
    let plain = vault.open("settings", WorkspaceId::DEFAULT, b"secret", sealed)?;
    plain.try_into().map_err(|_| Error::Corrupt("a secret of another length"))
}
