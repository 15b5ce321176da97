//! A statement put together from pieces: what a list is narrowed to decides its text, and every value is bound where it
//! stands.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow};

use super::{Result, Tx, on};
use crate::domain::{AddressId, ConversationId, MessageId, Timestamp, UserId, WorkspaceId};

/// The pieces so far. Text comes from the program alone; what comes from outside is bound.
#[derive(Debug, Default)]
pub(super) struct Statement {
    sql: String,
    values: Vec<Value>,
}

/// What can be bound.
#[derive(Debug)]
pub(super) enum Value {
    Number(i64),
    Text(String),
    Time(Timestamp),
}

impl Statement {
    /// Begins with a piece of text.
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Adds a piece of text.
    pub(super) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds a value, as the next parameter.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
        self
    }

    /// Every row.
    pub(super) async fn fetch_all<T>(self, tx: &mut Tx) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(on!(tx, |conn| {
            let mut query = sqlx::query_as(AssertSqlSafe(self.sql));
            for value in self.values {
                query = match value {
                    Value::Number(number) => query.bind(number),
                    Value::Text(text) => query.bind(text),
                    Value::Time(at) => query.bind(at),
                };
            }
            query.fetch_all(conn).await
        })?)
    }
}

macro_rules! values {
    ($($type:ty => |$value:ident| $bound:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $bound
            }
        }
    )*};
}

values! {
    i64 => |number| Self::Number(number);
    String => |text| Self::Text(text);
    Timestamp => |at| Self::Time(at);
    WorkspaceId => |id| Self::Number(id.0);
    ConversationId => |id| Self::Number(id.0);
    MessageId => |id| Self::Number(id.0);
    UserId => |id| Self::Number(id.0);
    AddressId => |id| Self::Number(id.0);
}
