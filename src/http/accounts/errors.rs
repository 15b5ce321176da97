//! What goes wrong with accounts, as answers.

use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};

use crate::auth::{
    Busy, ChangeError, CodeError, ConfirmError, GuardError, LoginError, PasswordChangeError, PasswordProblem,
    RecoverError, SignUpError, TotpError,
};
use crate::domain::FieldError;
use crate::http::Error;
use crate::http::rights::SESSION_CHALLENGE;

impl From<Busy> for Error {
    fn from(error: Busy) -> Self {
        let detail = format!("{error}; try again soon");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).with_header(RETRY_AFTER, "1")
    }
}

impl From<SignUpError> for Error {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Closed => Self::new(StatusCode::FORBIDDEN, "sign_up_closed", error.to_string()),
            SignUpError::Invitation => Self::invalid_field("invitation", "incorrect", error.to_string()),
            SignUpError::Guard(error) => error.into(),
            SignUpError::Password(problem) => unfit("password", problem),
            SignUpError::Taken(field) => taken(field),
            SignUpError::Busy(error) => error.into(),
            SignUpError::Code(error) => error.into(),
            SignUpError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for Error {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Incorrect => {
                let detail = format!("{error}; after 100 failures in a row only a recovery lets somebody in");
                refused("incorrect_credentials", detail)
            }
            LoginError::Guard(error) => error.into(),
            LoginError::Busy(error) => error.into(),
            LoginError::Code(error) => error.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<CodeError> for Error {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Incorrect { left } => incorrect_code(left),
            CodeError::TooManyAttempts { after_seconds } => too_many_attempts(after_seconds),
            CodeError::TooManyCodes { after_seconds } => {
                let detail = format!("too many codes were sent; the next one may be in {after_seconds} s");
                limited("too_many_codes", detail, after_seconds)
            }
            CodeError::NotYet => refused("verification_required", "the code of the sign-in comes first".to_owned()),
            CodeError::Country => GuardError::Country.into(),
            CodeError::NoWay => no_way("texts"),
            CodeError::Ended => ended(),
            CodeError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::VerificationRequired => verification_required("change_profile"),
            ChangeError::Taken(field) => taken(field),
            ChangeError::TooManyEmails { after_seconds } => {
                limited("too_many_changes", format!("{error}; again in {after_seconds} s"), after_seconds)
            }
            ChangeError::Ended => ended(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<ConfirmError> for Error {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Incorrect => Self::new(StatusCode::BAD_REQUEST, "incorrect_token", error.to_string())
                .naming(vec![FieldError::new("token", "incorrect", error.to_string())]),
            ConfirmError::Taken(field) => taken(field),
            ConfirmError::Store(error) => error.into(),
        }
    }
}

impl From<TotpError> for Error {
    fn from(error: TotpError) -> Self {
        match error {
            TotpError::VerificationRequired => verification_required("change_profile"),
            TotpError::AlreadyOn => Self::new(StatusCode::CONFLICT, "totp_is_on", error.to_string()),
            TotpError::NotBegun => Self::new(StatusCode::CONFLICT, "totp_is_off", error.to_string()),
            TotpError::Incorrect { left } => incorrect_code(left),
            TotpError::TooManyAttempts { after_seconds } => too_many_attempts(after_seconds),
            TotpError::Ended => ended(),
            TotpError::Store(error) => error.into(),
        }
    }
}

impl From<RecoverError> for Error {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Incorrect { left } => {
                refused("incorrect_code", format!("{error}, or their time is over; {}", tries(left)))
            }
            RecoverError::TooManyAttempts { after_seconds } => too_many_attempts(after_seconds),
            RecoverError::Guard(error) => error.into(),
            RecoverError::Password(problem) => unfit("new_password", problem),
            RecoverError::Busy(error) => error.into(),
            RecoverError::NoWay => no_way("texts or mails"),
            RecoverError::Store(error) => error.into(),
        }
    }
}

/// A password that was not changed; `field` is what the new one was called.
pub(super) fn not_changed(error: PasswordChangeError, field: &str) -> Error {
    match error {
        PasswordChangeError::VerificationRequired => {
            let detail = "a code for change_password is wanted; it was sent to your mobile";
            Error::new(StatusCode::FORBIDDEN, "verification_required", detail)
        }
        PasswordChangeError::Password(problem) => unfit(field, problem),
        PasswordChangeError::Code(error) => error.into(),
        PasswordChangeError::Busy(error) => error.into(),
        PasswordChangeError::Store(error) => error.into(),
    }
}

fn refused(code: &'static str, detail: String) -> Error {
    Error::new(StatusCode::UNAUTHORIZED, code, detail).with_header(WWW_AUTHENTICATE, SESSION_CHALLENGE)
}

fn limited(code: &'static str, detail: String, after_seconds: u64) -> Error {
    Error::new(StatusCode::TOO_MANY_REQUESTS, code, detail).with_header(RETRY_AFTER, &after_seconds.max(1).to_string())
}

fn incorrect_code(left: i64) -> Error {
    refused("incorrect_code", format!("this code is not right, or its time is over; {}", tries(left)))
}

fn too_many_attempts(after_seconds: u64) -> Error {
    let detail = format!("too many wrong codes; another one may be asked for in {after_seconds} s");
    limited("too_many_attempts", detail, after_seconds)
}

fn tries(left: i64) -> String {
    match left {
        1 => "1 try is left".to_owned(),
        left => format!("{} tries are left", left.max(0)),
    }
}

fn verification_required(purpose: &str) -> Error {
    let detail = format!("no code was right within the last ten minutes; ask for one with the purpose {purpose}");
    Error::new(StatusCode::FORBIDDEN, "verification_required", detail)
}

fn taken(field: &'static str) -> Error {
    let message = format!("this {field} is taken");
    Error::new(StatusCode::CONFLICT, "taken", message.clone()).naming(vec![FieldError::new(field, "taken", message)])
}

fn unfit(field: &str, problem: PasswordProblem) -> Error {
    Error::invalid_field(field, problem.code(), problem.to_string())
}

fn no_way(what: &str) -> Error {
    let detail = format!("nothing is configured that carries {what}, and so no code can be sent");
    tracing::error!("nothing is configured that carries codes");
    Error::new(StatusCode::SERVICE_UNAVAILABLE, "no_provider", detail).with_header(RETRY_AFTER, "60")
}

/// 401: the session has ended meanwhile.
pub fn ended() -> Error {
    Error::unauthorized(SESSION_CHALLENGE, "this session has ended; sign in again")
}
