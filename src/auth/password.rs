//! Passwords: argon2id, on a few threads of their own that everything else goes before.
//!
//! They are hashed and compared here and nowhere else. However many sign in at once, no more than these threads work
//! for them, and whoever comes when too many wait is turned away.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, oneshot};

use crate::clock::Clock;

/// OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many wait for a thread at most: at 25 ms each, some six seconds of one thread's work.
const MOST_WAITING: usize = 256;
/// How much these threads stand back behind the others.
const NICENESS: i32 = 10;
const SHORTEST: usize = 8;
const LONGEST_BYTES: usize = 1_000;
/// The least that `zxcvbn` must find: 10^8 guesses or more.
const LEAST_SCORE: u8 = 3;
/// Shorter names are part of too many passwords to be held against one.
const LEAST_NAME: usize = 4;

/// What a password is compared with when there is no account: no password is known to have it.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3dpdGNoYm9hcmQuLi4uLg$qpMhGq6zzZLPPSt1Nh2eUx2ZSt9d3CJtd1DqFqPgCRw";

type Job = Box<dyn FnOnce() + Send>;

/// Where passwords are hashed and compared. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    shared: Arc<Shared>,
}

struct Shared {
    jobs: OnceLock<Sender<Job>>,
    waiting: Arc<Semaphore>,
    clock: Clock,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

/// Too many passwords wait to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many people sign in at once")]
pub struct Busy;

/// Why a password would not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Fewer than eight characters.
    #[error("must have at least 8 characters; four words that do not belong together would do")]
    TooShort,
    /// More than anybody types.
    #[error("must have at most 1000 bytes")]
    TooLong,
    /// It holds the username, or what stands before the `@` of the email address.
    #[error("must not hold the username or the email address; four words that do not belong together would do")]
    HoldsName,
    /// Too few guesses find it.
    #[error(
        "is too easy to guess; four words that do not belong together would do, or 12 letters and digits at random"
    )]
    TooWeak,
}

impl PasswordProblem {
    /// Its name in the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::HoldsName => "holds_name",
            Self::TooWeak => "too_weak",
        }
    }
}

impl Passwords {
    /// Starts no thread before the first password.
    pub fn new(clock: Clock) -> Self {
        let waiting = Arc::new(Semaphore::new(MOST_WAITING));
        Self { shared: Arc::new(Shared { jobs: OnceLock::new(), waiting, clock }) }
    }

    /// Hashes a password, in PHC string format.
    pub async fn hash(&self, password: SecretString) -> Result<String, Busy> {
        let salt: [u8; 16] = self.shared.clock.bytes();
        self.run(move || hash(&password, &salt)).await?.ok_or(Busy)
    }

    /// Whether a password will do; hashes nothing.
    pub async fn check(&self, password: SecretString, names: Vec<String>) -> Result<Result<(), PasswordProblem>, Busy> {
        self.run(move || check(password.expose_secret(), &names)).await
    }

    /// Hashes a password that will do, or says why it would not. `names` must not be part of it.
    pub async fn hash_new(
        &self,
        password: SecretString,
        names: Vec<String>,
    ) -> Result<Result<String, PasswordProblem>, Busy> {
        let salt: [u8; 16] = self.shared.clock.bytes();
        let work = move || match check(password.expose_secret(), &names) {
            Ok(()) => hash(&password, &salt).map(Ok),
            Err(problem) => Some(Err(problem)),
        };
        self.run(work).await?.ok_or(Busy)
    }

    /// Whether a password is the one of this hash; without a hash the same work is done, and it is not.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, Busy> {
        let work = move || {
            let is_right = is_right(&password, hash.as_deref().unwrap_or(NOBODYS));
            is_right && hash.is_some()
        };
        self.run(work).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = Arc::clone(&self.shared.waiting).try_acquire_owned().map_err(|_| Busy)?;
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move || {
            if !tell.is_closed() {
                let _ = tell.send(work());
            }
            drop(place);
        });
        self.shared.jobs.get_or_init(start_threads).send(job).map_err(|_| Busy)?;
        told.await.map_err(|_| Busy)
    }
}

/// Half as many threads as there are cores, at least one; they end with the last [`Passwords`].
fn start_threads() -> Sender<Job> {
    let (sender, receiver) = channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..(cores / 2).max(1) {
        let receiver = Arc::clone(&receiver);
        let started = std::thread::Builder::new().name("passwords".to_owned()).spawn(move || work(&receiver));
        if let Err(error) = started {
            tracing::error!(error = &error as &dyn std::error::Error, "a thread for passwords does not start");
        }
    }
    sender
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    let _ = rustix::process::nice(NICENESS);
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job();
    }
}

fn argon() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &SecretString, salt: &[u8; 16]) -> Option<String> {
    let hash = argon()?.hash_password_with_salt(password.expose_secret().as_bytes(), salt);
    hash.inspect_err(|error| tracing::error!(%error, "a password is not hashed")).ok().map(|hash| hash.to_string())
}

fn is_right(password: &SecretString, hash: &str) -> bool {
    argon().is_some_and(|argon| argon.verify_password(password.expose_secret().as_bytes(), hash).is_ok())
}

/// Whether one of these names is part of a password.
pub(super) fn holds_name(password: &str, names: &[String]) -> bool {
    let lower = password.to_lowercase();
    names.iter().any(|name| name.chars().count() >= LEAST_NAME && lower.contains(&name.to_lowercase()))
}

/// Whether a password will do for somebody of these names.
fn check(password: &str, names: &[String]) -> Result<(), PasswordProblem> {
    if password.chars().count() < SHORTEST {
        Err(PasswordProblem::TooShort)
    } else if password.len() > LONGEST_BYTES {
        Err(PasswordProblem::TooLong)
    } else if holds_name(password, names) {
        Err(PasswordProblem::HoldsName)
    } else {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let score = u8::from(zxcvbn::zxcvbn(password, &names).score());
        if score < LEAST_SCORE { Err(PasswordProblem::TooWeak) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn passwords() -> Passwords {
        Passwords::new(Clock::manual(Timestamp::from_micros(0), 1))
    }

    fn problem(password: &str) -> Option<PasswordProblem> {
        check(password, &["alice.liddell".to_owned(), "rabbit".to_owned(), "al".to_owned()]).err()
    }

    #[test]
    fn a_password_is_long_hard_to_guess_and_holds_no_name() {
        assert_eq!(problem("1234567"), Some(PasswordProblem::TooShort));
        assert_eq!(problem(&"x".repeat(1_001)), Some(PasswordProblem::TooLong));
        for weak in ["password", "12345678", "qwertyuiop", "Passw0rd!", "aaaaaaaaaaaa"] {
            assert_eq!(problem(weak), Some(PasswordProblem::TooWeak), "{weak}");
        }
        assert_eq!(problem("my-White-RABBIT-is-late-again"), Some(PasswordProblem::HoldsName));
        for good in ["correct horse battery staple", "kT9#vmq2LxWz", "al7-gravel-moon-tin"] {
            assert_eq!(problem(good), None, "{good}");
        }
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_another_is_not() {
        let passwords = passwords();
        let hash = passwords.hash("one of a kind".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("one of a kind".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("one of a kin".into(), Some(hash.clone())).await.unwrap());
        assert_ne!(passwords.hash("one of a kind".into()).await.unwrap(), hash, "each has a salt of its own");
    }

    #[tokio::test]
    async fn nobodys_password_is_compared_in_earnest_and_is_never_right() {
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODYS).is_ok());
        assert!(!passwords().verify("anything".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn whoever_comes_when_too_many_wait_is_turned_away() {
        let passwords = passwords();
        let (go, gate) = channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let wait = move || {
            let _ = gate.lock().unwrap().recv();
        };
        let held: Vec<_> = (0..MOST_WAITING)
            .map(|_| {
                tokio::spawn({
                    let (passwords, wait) = (passwords.clone(), wait.clone());
                    async move { passwords.run(wait).await }
                })
            })
            .collect();
        while passwords.shared.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.hash("x".into()).await, Err(Busy));
        drop(go);
        for held in held {
            held.await.unwrap().unwrap();
        }
        assert!(passwords.hash("x".into()).await.is_ok());
    }
}
