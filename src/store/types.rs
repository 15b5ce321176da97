//! How the domain's types are bound and decoded, and how lists are paged.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};

use crate::domain::Timestamp;

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

impl Type<Sqlite> for Timestamp {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(ty)
    }
}

impl Encode<'_, Sqlite> for Timestamp {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode_by_ref(&self.micros(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Timestamp {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self::from_micros(<i64 as Decode<Sqlite>>::decode(value)?))
    }
}

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("timestamptz")
    }
}

impl Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.micros() - POSTGRES_EPOCH, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes: [u8; 8] = value.as_bytes()?.try_into()?;
        Ok(Self::from_micros(i64::from_be_bytes(bytes).saturating_add(POSTGRES_EPOCH)))
    }
}

/// Where a page of a list begins: after the row of that time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The time that the list is ordered by.
    pub at: Timestamp,
    /// The id, where times are equal.
    pub id: i64,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// After which row; absent: from the beginning.
    pub after: Option<Position>,
    /// How many rows at most; at least one.
    pub limit: i64,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows, in the list's order.
    pub data: Vec<T>,
    /// Where the next part begins; absent at the end.
    pub next: Option<Position>,
}

/// A row of a page that the database has cut, and how many rows there were to cut it from: one more than the limit
/// when the list goes on.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Listed<T> {
    #[sqlx(flatten)]
    row: T,
    listed: i64,
}

/// The bytes of bodies that one page holds at most; a single row may have more.
pub(super) const PAGE_BYTES: i64 = 4 * 1024 * 1024;

impl<T> Page<T> {
    /// Cuts a page from small rows that were asked for with one more than the limit.
    pub(super) fn cut(mut data: Vec<T>, limit: i64, position: impl Fn(&T) -> Position) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = data.len() > limit;
        data.truncate(limit);
        let next = data.last().filter(|_| has_more).map(position);
        Self { data, next }
    }

    /// Makes a page of rows that were asked for with one more than the limit, and cut to [`PAGE_BYTES`].
    pub(super) fn of(rows: Vec<Listed<T>>, limit: i64, position: impl Fn(&T) -> Position) -> Self {
        let listed = rows.first().map_or(0, |row| row.listed);
        let mut data: Vec<T> = rows.into_iter().map(|row| row.row).collect();
        data.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let has_more = usize::try_from(listed).is_ok_and(|listed| listed > data.len());
        let next = data.last().filter(|_| has_more).map(position);
        Self { data, next }
    }

    /// The same page of something made from each row.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(make).collect(), next: self.next }
    }
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

impl PageRequest {
    /// The bound of a list that runs upwards: every row lies after the lowest.
    pub(super) fn lower_bound(&self) -> Position {
        self.after.unwrap_or(Position { at: Timestamp::from_micros(i64::MIN), id: i64::MIN })
    }

    /// The bound of a list that runs downwards: every row lies before the highest.
    pub(super) fn upper_bound(&self) -> Position {
        self.after.unwrap_or(Position { at: Timestamp::from_micros(i64::MAX), id: i64::MAX })
    }
}
