//! The people of a fresh `dev` server.

use super::Accounts;
use super::password::Busy;
use crate::domain::{Address, Role, WorkspaceId};
use crate::store::{self, NewUser};

/// Their usernames, first and last names, and mobiles.
const PEOPLE: [(&str, &str, &str, &str); 4] = [
    ("rdibari", "Rico", "Dibari", "+12025550101"),
    ("bugs", "Bugs", "Bunny", "+12025550102"),
    ("duck", "Daffy", "Duck", "+12025550103"),
    ("porky", "Porky", "Pig", "+12025550104"),
];
const PASSWORD: &str = "switchboard-dev";

/// Why there are no people.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Their password could not be hashed.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Makes four members of the default workspace, when there is no account at all. Their usernames may be shorter than
/// others', and they share one password, hashed once.
pub async fn seed_people(accounts: &Accounts) -> Result<(), SeedError> {
    let store = &accounts.m.store;
    if store.read().await?.has_users().await? {
        return Ok(());
    }
    let password_hash = accounts.passwords.hash(PASSWORD.into()).await?;
    let now = accounts.m.clock.now();
    let mut tx = store.begin().await?;
    for (username, first, last, mobile) in PEOPLE {
        let email = Address::email(&format!("{username}@example.com"));
        let (Ok(email), Ok(mobile)) = (email, Address::phone(mobile, &accounts.m.rules.phone)) else { continue };
        let ids = tx.ensure_addresses(WorkspaceId::ACCOUNTS, &[email.clone(), mobile.clone()], now).await?;
        let user = NewUser {
            username: username.to_owned(),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            email: ids[&email],
            mobile: ids[&mobile],
            password_hash: password_hash.clone(),
            mobile_verified_at: Some(now),
        };
        let id = tx.insert_user(&user, now).await?;
        tx.put_membership(WorkspaceId::DEFAULT, id, Role::Member, now).await?;
    }
    Ok(tx.commit().await?)
}
