//! Who is calling: API keys, sessions, passwords and one-time codes.

mod audit;
mod budgets;
mod invitations;
mod keys;
mod sessions;
mod token;
mod workspaces;

pub use audit::{list_audit, person_in};
pub use budgets::{BUDGETS, CodeAsked, GuardError, Origin, allow_code, allow_login, allow_sign_up};
pub use invitations::{
    AcceptError, INVITATION_PREFIX, InviteError, Invited, accept_invitation, invite, invite_into, list_invitations,
    revoke_invitation, use_invitation,
};
pub use keys::{KEY_PREFIX, KeyHolder, Scope, authenticate_key, create_key, list_keys, revoke_key};
pub use sessions::{SESSION_PREFIX, Session, authenticate_session, begin_session};
pub use workspaces::{
    SeatError, SettingsChange, change_role, change_settings, create_workspace, find_settings, list_members,
    list_workspaces, remove_member,
};
