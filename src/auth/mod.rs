//! Who is calling: API keys, sessions, passwords and one-time codes.

mod accounts;
mod audit;
mod budgets;
mod change;
mod codes;
mod invitations;
mod keys;
mod login;
mod notices;
mod password;
mod recovery;
mod seed;
mod sessions;
mod standing;
mod token;
mod totp;
mod workspaces;

use std::sync::Arc;

pub use accounts::{Account, SignUp, SignUpError, create_admin, find_account, sign_up};
pub use audit::{list_audit, person_in};
pub use budgets::{
    BUDGETS, CodeAsked, GuardError, Origin, allow_code, allow_login, allow_recovery, allow_recovery_code, allow_sign_up,
};
pub use change::{
    ChangeError, ConfirmError, PasswordChangeError, ProfileWish, change_password, change_profile, confirm_email,
};
pub use codes::{Channel, CodeError, Verification, Verified, send_code, verify_code};
pub use invitations::{
    AcceptError, INVITATION_PREFIX, InviteError, Invited, accept_invitation, invite, invite_into, list_invitations,
    revoke_invitation, use_invitation,
};
pub use keys::{KEY_PREFIX, KeyHolder, Scope, authenticate_key, create_key, list_keys, revoke_key};
pub use login::{Login, LoginError, Started, login};
pub use password::{Busy, PasswordProblem, Passwords};
pub use recovery::{RecoverError, complete_recovery, recover};
pub use seed::{SeedError, seed_people};
pub use sessions::{
    ABSOLUTE_LIMIT, PENDING_LIFE, Renewed, SESSION_PREFIX, Session, SwitchError, authenticate_session, begin_session,
    end_other_sessions, end_session, list_seats, list_sessions, switch_workspace,
};
pub use standing::{Standing, find_standing};
pub use totp::{TotpBegun, TotpError, begin_totp, confirm_totp, make_recovery_codes, remove_totp};
pub use workspaces::{
    SeatError, change_role, change_settings, create_workspace, find_settings, list_members, list_workspaces,
    remove_member,
};

use crate::messaging::Messaging;

/// What the use cases of accounts need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// The database, the time, and how notices are sent.
    pub m: Messaging,
    /// Where passwords are hashed and compared.
    pub passwords: Passwords,
    /// What the configuration says of accounts.
    pub settings: Arc<Settings>,
    /// From where they are asked for; absent at the command line.
    pub origin: Option<Origin>,
}

impl Accounts {
    /// The same, asked for from there.
    #[must_use]
    pub fn asked_from(&self, origin: Origin) -> Self {
        Self { origin: Some(origin), ..self.clone() }
    }
}

/// What the configuration says of accounts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether anybody may sign up.
    pub is_open: bool,
}
