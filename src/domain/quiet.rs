//! Quiet hours: when nobody's telephone is to ring, by the clock where its owner most likely is.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Address, AddressKind, Timestamp};

/// Time zones of the IANA database, each with the beginnings of the telephone numbers that belong to it alone.
const ZONES: &str = include_str!("zones.txt");
/// Digits of the longest beginning there.
const LONGEST_PREFIX: usize = 4;

static BY_PREFIX: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = ZONES.lines().filter_map(|line| line.split_once(' '));
    lines.flat_map(|(zone, prefixes)| prefixes.split(' ').map(move |prefix| (prefix, zone))).collect()
});

/// From when until when texts wait, every day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuietHours {
    /// The first minute of quiet, by the recipient's clock.
    #[schema(example = "21:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub from: String,
    /// The first minute after it; earlier than `from`: on the next morning.
    #[schema(example = "08:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub until: String,
    /// The time zone (IANA) of numbers that do not tell theirs.
    #[schema(example = "America/New_York", min_length = 1, max_length = 64)]
    pub zone: String,
}

/// What becomes of quiet hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuietHoursChange {
    /// From now on these.
    Set(QuietHours),
    /// There are none any more.
    Clear,
}

impl QuietHoursChange {
    /// What they are then.
    pub fn hours(&self) -> Option<&QuietHours> {
        match self {
            Self::Set(hours) => Some(hours),
            Self::Clear => None,
        }
    }
}

/// What is wrong with quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuietHoursError {
    /// A time is none.
    #[error("from and until must be times such as 21:00")]
    NoTime,
    /// They would last all day, or not at all.
    #[error("from and until must differ")]
    NoSpan,
    /// There is no such time zone.
    #[error("zone must be a time zone such as America/New_York")]
    NoZone,
}

impl QuietHours {
    /// Whether they mean something.
    pub fn check(&self) -> Result<(), QuietHoursError> {
        let (from, until) = (time(&self.from), time(&self.until));
        let (Some(from), Some(until)) = (from, until) else { return Err(QuietHoursError::NoTime) };
        if from == until {
            return Err(QuietHoursError::NoSpan);
        }
        TimeZone::get(&self.zone).map(drop).map_err(|_| QuietHoursError::NoZone)
    }

    /// When the last of these recipients may be texted, when one of them may not now.
    pub fn end_for(&self, recipients: &[Address], now: Timestamp) -> Option<Timestamp> {
        recipients.iter().filter_map(|address| self.end_at(zone_of(address).unwrap_or(&self.zone), now)).max()
    }

    fn end_at(&self, zone: &str, now: Timestamp) -> Option<Timestamp> {
        let (from, until) = (time(&self.from)?, time(&self.until)?);
        let zone = TimeZone::get(zone).or_else(|_| TimeZone::get(&self.zone)).ok()?;
        let here = jiff::Timestamp::from_microsecond(now.micros()).ok()?.to_zoned(zone.clone());
        let clock = here.time();
        let is_quiet = if from < until { from <= clock && clock < until } else { clock >= from || clock < until };
        if !is_quiet {
            return None;
        }
        let day = if clock < until { here.date() } else { here.date().tomorrow().ok()? };
        let end = zone.to_ambiguous_zoned(day.to_datetime(until));
        let first = end.clone().compatible().ok()?;
        let end = if first.timestamp() > here.timestamp() { first } else { end.later().ok()? };
        Some(Timestamp::from_micros(end.timestamp().as_microsecond()))
    }
}

fn time(text: &str) -> Option<Time> {
    let is_short = text.len() == 5 && text.as_bytes()[2] == b':';
    is_short.then(|| Time::strptime("%H:%M", text).ok()).flatten()
}

/// The zone of a telephone number, when its beginning tells.
fn zone_of(address: &Address) -> Option<&'static str> {
    if address.kind() != AddressKind::Phone {
        return None;
    }
    let digits = address.as_str().strip_prefix('+')?;
    let longest = digits.len().min(LONGEST_PREFIX);
    (1..=longest).rev().find_map(|length| BY_PREFIX.get(&digits[..length]).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PhoneRules;

    fn phone(number: &str) -> Address {
        Address::phone(number, &PhoneRules { default_country: "+1".to_owned() }).unwrap()
    }

    fn end(hours: (&str, &str), number: &str, now: &str) -> Option<String> {
        let (from, until) = (hours.0.to_owned(), hours.1.to_owned());
        let quiet = QuietHours { from, until, zone: "Europe/Paris".to_owned() };
        quiet.check().unwrap();
        quiet.end_for(&[phone(number)], now.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn every_zone_that_a_number_tells_is_known() {
        assert!(BY_PREFIX.len() > 700);
        for (prefix, zone) in BY_PREFIX.iter() {
            assert!(prefix.len() <= LONGEST_PREFIX && TimeZone::get(zone).is_ok(), "{prefix} {zone}");
        }
        for (number, zone) in [("+12125550100", "America/New_York"), ("+442079460000", "Europe/London")] {
            assert_eq!(zone_of(&phone(number)), Some(zone));
        }
        assert_eq!(zone_of(&phone("40404")), None, "a short code is nowhere");
    }

    #[test]
    fn the_recipients_clock_counts_and_the_workspaces_where_it_is_not_known() {
        let night = ("21:00", "08:00");
        let new_york = "+12125550100";
        assert_eq!(end(night, new_york, "2026-03-03T01:59:59Z"), None, "20:59 there");
        assert_eq!(end(night, new_york, "2026-03-03T02:00:00Z").unwrap(), "2026-03-03T13:00:00.000000Z");
        assert_eq!(end(night, new_york, "2026-03-03T12:59:00Z").unwrap(), "2026-03-03T13:00:00.000000Z");
        assert_eq!(end(night, new_york, "2026-03-03T13:00:00Z"), None);
        assert_eq!(end(night, "40404", "2026-03-02T20:30:00Z").unwrap(), "2026-03-03T07:00:00.000000Z", "in Paris");
        assert_eq!(end(("12:00", "14:00"), new_york, "2026-03-03T18:00:00Z").unwrap(), "2026-03-03T19:00:00.000000Z");
    }

    #[test]
    fn an_hour_that_the_clocks_skip_ends_when_they_have_skipped_it() {
        let ended = end(("21:00", "02:30"), "+12125550100", "2026-03-08T05:00:00Z").unwrap();
        assert_eq!(ended, "2026-03-08T07:30:00.000000Z", "02:30 is 03:30 that night");
    }

    #[test]
    fn an_hour_that_comes_twice_ends_after_now() {
        let ended = end(("21:00", "01:30"), "+12125550100", "2026-11-01T06:10:00Z").unwrap();
        assert_eq!(ended, "2026-11-01T06:30:00.000000Z", "the second 01:30 of that night");
    }

    #[test]
    fn hours_that_mean_nothing_are_refused() {
        let check = |from: &str, until: &str, zone: &str| {
            QuietHours { from: from.to_owned(), until: until.to_owned(), zone: zone.to_owned() }.check()
        };
        for (from, until) in [("9:00", "10:00"), ("24:00", "08:00"), ("21:60", "08:00"), ("", "08:00"), ("21:00", "8")]
        {
            assert_eq!(check(from, until, "UTC"), Err(QuietHoursError::NoTime), "{from} {until}");
        }
        assert_eq!(check("08:00", "08:00", "UTC"), Err(QuietHoursError::NoSpan));
        assert_eq!(check("21:00", "08:00", "Mars/Olympus"), Err(QuietHoursError::NoZone));
    }
}
