//! Budgets of what costs money or guesses: codes, sign-ins, accounts. They are counted in the database, for all server
//! processes together.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::domain::{Address, Guards, Timestamp, WorkspaceId};
use crate::store::{self, Budget, Store, Taken, Tx, handle};

const TEN_MINUTES: Duration = Duration::from_mins(10);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Every budget's name, as metrics show it.
pub const BUDGETS: [&str; 21] = [
    "code_number",
    "code_number_day",
    "code_ten_thousand_numbers",
    "code_million_numbers",
    "code_origin",
    "code_workspace",
    "login_origin",
    "login_account",
    "recovery_number",
    "recovery_number_day",
    "recovery_ten_thousand_numbers",
    "recovery_million_numbers",
    "recovery_workspace",
    "recovery_origin",
    "recovery_account",
    "sign_up_origin",
    "sign_up_ten_thousand_numbers",
    "sign_up_million_numbers",
    "sign_up_workspace",
    "invitation_workspace",
    "upload_bytes",
];

/// From where somebody calls: an IPv4 address, or the /64 of an IPv6 one, which is what one customer gets.
///
/// Its `Debug` form shows nothing, so that a log cannot hold it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(u128);

impl Origin {
    /// Takes an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }

    /// What a budget is about.
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin(..)")
    }
}

/// A code that somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct CodeAsked<'a> {
    /// Where it would go.
    pub mobile: &'a Address,
    /// From where it is asked for; absent at the command line.
    pub origin: Option<Origin>,
    /// In which workspace; [`WorkspaceId::ACCOUNTS`] for somebody who is in none.
    pub workspace: WorkspaceId,
    /// Whether it is to sign up: no code was right there yet.
    pub is_sign_up: bool,
}

/// Why something was not allowed.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The number's country is not one of those that get codes.
    #[error("no codes are sent to numbers of that country")]
    Country,
    /// A budget is used up.
    #[error("a limit is reached")]
    Limited {
        /// After how long there is more.
        after: Duration,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Takes what one code costs from every budget it touches, in the unit of work that sends it.
///
/// The number alone would not do: whoever is paid for texts to a range of numbers asks for one code to each of them.
/// Sign-ups get half of what neighbours get together: they keep nobody from signing in whose mobile is verified.
pub async fn allow_code(tx: &mut Tx, guards: &Guards, asked: &CodeAsked<'_>, now: Timestamp) -> Result<(), GuardError> {
    let names =
        ["code_number", "code_number_day", "code_ten_thousand_numbers", "code_million_numbers", "code_workspace"];
    take_code(tx, guards, (asked, names), now).await
}

/// The same for a code that recovers a password. Anybody can ask for those who knows a username, and so they have
/// budgets of their own: none of them keeps somebody from signing in.
pub async fn allow_recovery_code(
    tx: &mut Tx,
    guards: &Guards,
    asked: &CodeAsked<'_>,
    now: Timestamp,
) -> Result<(), GuardError> {
    let names = [
        "recovery_number",
        "recovery_number_day",
        "recovery_ten_thousand_numbers",
        "recovery_million_numbers",
        "recovery_workspace",
    ];
    take_code(tx, guards, (asked, names), now).await
}

async fn take_code(
    tx: &mut Tx,
    guards: &Guards,
    (asked, [few, day, ten_thousand, million, whole]): (&CodeAsked<'_>, [&'static str; 5]),
    now: Timestamp,
) -> Result<(), GuardError> {
    let number = asked.mobile.as_str();
    if !guards.may_get_codes(number) {
        count("code_country");
        return Err(GuardError::Country);
    }
    let without = |digits: usize| &number.as_bytes()[..number.len().saturating_sub(digits)];
    let (origin, workspace) = (asked.origin.map(Origin::bytes), asked.workspace.0.to_be_bytes());
    let per_origin = if origin.is_some() { guards.codes_per_origin } else { 0 };
    let origin = origin.unwrap_or_default();
    let of_sign_ups = |whole: i64| if asked.is_sign_up { (whole + 1) / 2 } else { 0 };
    let (ten_thousands, millions) = (guards.codes_per_ten_thousand_numbers, guards.codes_per_million_numbers);
    let budgets = [
        ("sign_up_ten_thousand_numbers", without(4), of_sign_ups(ten_thousands), HOUR),
        ("sign_up_million_numbers", without(6), of_sign_ups(millions), HOUR),
        ("sign_up_workspace", &workspace, of_sign_ups(guards.codes_per_workspace), DAY),
        (few, number.as_bytes(), guards.codes_per_number, TEN_MINUTES),
        (day, number.as_bytes(), guards.codes_per_number_a_day, DAY),
        (ten_thousand, without(4), ten_thousands, HOUR),
        (million, without(6), millions, HOUR),
        ("code_origin", &origin, per_origin, HOUR),
        (whole, &workspace, guards.codes_per_workspace, DAY),
    ];
    take(tx, &budgets, now).await
}

/// Takes what one try to sign in costs, before the password is looked at; `login` is what stands for the account,
/// whether there is one or not.
pub async fn allow_login(
    store: &Store,
    guards: &Guards,
    (origin, login): (Option<Origin>, &str),
    now: Timestamp,
) -> Result<(), GuardError> {
    take_try(store, guards, (["login_origin", "login_account"], origin, login), now).await
}

/// Takes what one try to recover a password costs; of its own, so that it keeps nobody from signing in.
pub async fn allow_recovery(
    store: &Store,
    guards: &Guards,
    (origin, login): (Option<Origin>, &str),
    now: Timestamp,
) -> Result<(), GuardError> {
    take_try(store, guards, (["recovery_origin", "recovery_account"], origin, login), now).await
}

async fn take_try(
    store: &Store,
    guards: &Guards,
    ([by_origin, by_account], origin, login): ([&'static str; 2], Option<Origin>, &str),
    now: Timestamp,
) -> Result<(), GuardError> {
    let per_origin = if origin.is_some() { guards.logins_per_origin } else { 0 };
    let (origin, account) = (origin.map(Origin::bytes).unwrap_or_default(), handle(login));
    let budgets = [
        (by_origin, &origin[..], per_origin, TEN_MINUTES),
        (by_account, account.as_bytes(), guards.logins_per_account, TEN_MINUTES),
    ];
    take_alone(store, &budgets, now).await
}

/// Takes what one account costs, before its password is hashed.
pub async fn allow_sign_up(
    store: &Store,
    guards: &Guards,
    origin: Option<Origin>,
    now: Timestamp,
) -> Result<(), GuardError> {
    let Some(origin) = origin else { return Ok(()) };
    take_alone(store, &[("sign_up_origin", &origin.bytes(), guards.sign_ups_per_origin, HOUR)], now).await
}

/// A budget's name, what it is about, how much there is, and for how long.
pub(super) type Wanted<'a> = (&'static str, &'a [u8], i64, Duration);

async fn take_alone(store: &Store, budgets: &[Wanted<'_>], now: Timestamp) -> Result<(), GuardError> {
    let mut tx = store.begin().await?;
    take(&mut tx, budgets, now).await?;
    Ok(tx.commit().await?)
}

/// Takes one of each budget that is a limit at all, or none of any.
pub(super) async fn take(tx: &mut Tx, budgets: &[Wanted<'_>], now: Timestamp) -> Result<(), GuardError> {
    let limits = budgets.iter().filter(|(_, _, most, _)| *most > 0);
    let budgets: Vec<Budget<'_>> = limits
        .map(|(name, about, most, period)| Budget {
            name,
            about: vec![name.as_bytes(), about],
            most: *most,
            period: *period,
            amount: 1,
        })
        .collect();
    match tx.take_budgets(&budgets, now).await? {
        Taken::Yes => Ok(()),
        Taken::No { budget, after } => {
            count(budget);
            Err(GuardError::Limited { after })
        }
    }
}

fn count(limit: &'static str) {
    metrics::counter!("switchboard_limited_total", "limit" => limit).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Origin {
        Origin::of(address.parse().unwrap())
    }

    #[test]
    fn a_customers_whole_network_is_one_origin() {
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(format!("{:?}", of("192.0.2.1")), "Origin(..)");
    }
}
