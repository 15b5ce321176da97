//! What the use cases of people refuse, as status codes.

use axum::http::StatusCode;

use crate::domain::FieldError;
use crate::http::Error;
use crate::http::error::{no_such_conversation, no_such_message};
use crate::messaging::chat::{ChangeError, FriendError, GroupError, MarkError, NoSuchUser, SaidError, WriteError};

/// 404: nobody has the name in that field.
pub fn no_such_user(field: &str) -> Error {
    let message = "there is nobody of this name in the workspace";
    let error = Error::not_found("no_such_user", &format!("there is no user of the name in {field}"));
    error.naming(vec![FieldError::new(field, "unknown", message)])
}

fn forbidden(code: &'static str, detail: &str) -> Error {
    Error::new(StatusCode::FORBIDDEN, code, detail)
}

fn conflict(code: &'static str, detail: &str) -> Error {
    Error::new(StatusCode::CONFLICT, code, detail)
}

/// Also where one of the two has blocked the other: the answer is the same, and so tells nothing.
fn may_not_write() -> Error {
    forbidden("strangers_may_not_write", "this person hears from friends alone, or not from you")
}

fn to_oneself(field: &str) -> Error {
    Error::invalid_field(field, "invalid", "must be somebody else")
}

impl From<NoSuchUser> for Error {
    fn from(error: NoSuchUser) -> Self {
        no_such_user(&error.field)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NoSuchConversation => no_such_conversation(),
            WriteError::NoSuchUser(error) => error.into(),
            WriteError::NotTheSender => forbidden("not_the_sender", "the sender must be whoever is signed in"),
            WriteError::ToOneself => to_oneself("recipient_user_name"),
            WriteError::MayNotWrite => may_not_write(),
            WriteError::Refused(refusal) => Self::invalid(refusal),
            WriteError::Send(error) => error.into(),
        }
    }
}

impl From<SaidError> for Error {
    fn from(error: SaidError) -> Self {
        match error {
            SaidError::NotYours => forbidden("not_yours", "these are somebody else's messages"),
            SaidError::Store(error) => error.into(),
        }
    }
}

impl From<GroupError> for Error {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::NoSuchConversation => no_such_conversation(),
            GroupError::NoSuchUser(error) => error.into(),
            GroupError::NoSuchMember => Self::not_found("no_such_member", "nobody of this name is in the group"),
            GroupError::NotAGroup => conflict("not_a_group", "this conversation is no group"),
            GroupError::NotTheOwner => forbidden("not_the_owner", "only the group's owner may do that"),
            GroupError::ToOneself => to_oneself("user_name"),
            GroupError::NotARequest => conflict("not_a_request", "this conversation is no request, or not any more"),
            GroupError::MayNotWrite => may_not_write(),
            GroupError::TooMany => conflict("too_many_members", &error.to_string()),
            GroupError::Store(error) => error.into(),
        }
    }
}

impl From<MarkError> for Error {
    fn from(error: MarkError) -> Self {
        match error {
            MarkError::NoSuchConversation => no_such_conversation(),
            MarkError::NotAMember => forbidden("not_a_member", "nobody who takes part in it asks"),
            MarkError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NoSuchMessage => no_such_message(),
            ChangeError::NotAChat => conflict("not_a_chat", "this can only be done in a conversation of people"),
            ChangeError::NotTheAuthor => forbidden("not_the_author", "only its author may do that"),
            ChangeError::TooLate => conflict("too_late", "it was said more than 15 minutes ago"),
            ChangeError::TooManyEdits => conflict("too_many_edits", "a message is changed at most 50 times"),
            ChangeError::Deleted => conflict("message_deleted", "it was taken back"),
            ChangeError::MayNotWrite => may_not_write(),
            ChangeError::TooManyReactions => conflict("too_many_reactions", &error.to_string()),
            ChangeError::Refused(refusal) => Self::invalid(refusal),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<FriendError> for Error {
    fn from(error: FriendError) -> Self {
        match error {
            FriendError::NoSuchUser(error) => error.into(),
            FriendError::ToOneself => to_oneself("user_name"),
            FriendError::MayNotWrite => may_not_write(),
            FriendError::NoSuchRequest => Self::not_found("no_such_request", "this person does not ask"),
            FriendError::NotFriends => Self::not_found("not_friends", "you are no friends, and have not asked"),
            FriendError::Store(error) => error.into(),
        }
    }
}
