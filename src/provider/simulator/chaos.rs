//! What goes wrong at the simulated carrier, how often, and in which order: all from one seed, all counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::domain::{FieldError, Refusal};

/// The longest latency that can be asked for.
const MAX_LATENCY_MS: u64 = 600_000;

/// How reports of a message's progress go out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    /// None at all.
    Off,
    /// One after the other, each once.
    #[default]
    Ordered,
    /// Each once, in any order.
    Shuffled,
    /// In order, each two or three times.
    Repeated,
}

/// One request's fate, as a script names it. *Taken* means: the carrier has the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Taken and answered.
    Ok,
    /// 429 with `Retry-After: 1`, not taken.
    #[serde(rename = "429")]
    Throttled,
    /// 503, not taken.
    #[serde(rename = "503")]
    Away,
    /// 400, not taken.
    Reject,
    /// Taken, and 500.
    #[serde(rename = "500_taken")]
    Error500Taken,
    /// 500, not taken.
    #[serde(rename = "500_not_taken")]
    Error500,
    /// Taken, and 502.
    #[serde(rename = "502_taken")]
    Error502Taken,
    /// 502, not taken.
    #[serde(rename = "502_not_taken")]
    Error502,
    /// Taken, and 504.
    #[serde(rename = "504_taken")]
    Error504Taken,
    /// 504, not taken.
    #[serde(rename = "504_not_taken")]
    Error504,
    /// Taken, and never answered.
    HangTaken,
    /// Never answered, not taken.
    HangNotTaken,
    /// Taken, then the connection is reset.
    ResetTaken,
    /// The connection is reset, not taken.
    ResetNotTaken,
    /// Taken, then half an answer.
    HalfBodyTaken,
    /// Taken, then a 200 that is a web page.
    HtmlTaken,
    /// Taken, then an answer that never ends.
    EndlessTaken,
}

impl Fate {
    /// Whether the carrier has the message afterwards.
    pub fn is_taken(self) -> bool {
        match self {
            Self::Ok
            | Self::Error500Taken
            | Self::Error502Taken
            | Self::Error504Taken
            | Self::HangTaken
            | Self::ResetTaken
            | Self::HalfBodyTaken
            | Self::HtmlTaken
            | Self::EndlessTaken => true,
            Self::Throttled
            | Self::Away
            | Self::Reject
            | Self::Error500
            | Self::Error502
            | Self::Error504
            | Self::HangNotTaken
            | Self::ResetNotTaken => false,
        }
    }

    /// Its name in a script and in the counts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Throttled => "429",
            Self::Away => "503",
            Self::Reject => "reject",
            Self::Error500Taken => "500_taken",
            Self::Error500 => "500_not_taken",
            Self::Error502Taken => "502_taken",
            Self::Error502 => "502_not_taken",
            Self::Error504Taken => "504_taken",
            Self::Error504 => "504_not_taken",
            Self::HangTaken => "hang_taken",
            Self::HangNotTaken => "hang_not_taken",
            Self::ResetTaken => "reset_taken",
            Self::ResetNotTaken => "reset_not_taken",
            Self::HalfBodyTaken => "half_body_taken",
            Self::HtmlTaken => "html_taken",
            Self::EndlessTaken => "endless_taken",
        }
    }
}

/// What is to go wrong. Every rate is a share, 0 to 1, of the requests that the ones before it left alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(examples(json!({ "rate_429": 0.1, "rate_reply_lost": 0.05, "receipts": "shuffled", "latency_ms": [5, 50] })))]
pub struct Chaos {
    /// Answered 429.
    pub rate_429: f64,
    /// Answered 500, 502 or 504; half of them after taking the message.
    pub rate_500: f64,
    /// Never answered; half of them after taking the message.
    pub rate_hang: f64,
    /// Taken, and the answer lost: reset, cut in half, a web page, or endless.
    pub rate_reply_lost: f64,
    /// How reports go out.
    pub receipts: Receipts,
    /// The shortest and longest wait before an answer, in milliseconds.
    pub latency_ms: [u64; 2],
    /// The same seed draws the same fates.
    pub seed: u64,
    /// Fates by name, one a request, in this order; then all is well. While there is a script no rate counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<Fate>,
}

impl Chaos {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// Every field that cannot be followed.
    pub fn check(&self) -> Result<(), Refusal> {
        let rates = [
            ("rate_429", self.rate_429),
            ("rate_500", self.rate_500),
            ("rate_hang", self.rate_hang),
            ("rate_reply_lost", self.rate_reply_lost),
        ];
        let mut refusal: Refusal = rates
            .into_iter()
            .filter(|(_, rate)| !(0.0..=1.0).contains(rate))
            .map(|(name, _)| FieldError::new(name, "invalid", "must lie between 0 and 1"))
            .collect();
        let [min, max] = self.latency_ms;
        if min > max || max > MAX_LATENCY_MS {
            let wanted = format!("must be [min, max] in milliseconds, at most {MAX_LATENCY_MS}");
            refusal.push(FieldError::new("latency_ms", "invalid", wanted));
        }
        if refusal.is_empty() { Ok(()) } else { Err(refusal) }
    }
}

/// What one request met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Its fate.
    pub fate: Fate,
    /// The wait before its answer.
    pub latency: Duration,
    /// How its reports go out.
    pub receipts: Receipts,
}

/// What was asked and what went wrong since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Stats {
    /// Requests that drew a fate.
    pub requests: u64,
    /// How many met each fate but `ok`, by its name.
    pub faults: BTreeMap<String, u64>,
}

/// The chaos in force, and the state of its dice.
#[derive(Debug)]
pub struct Weather(Mutex<State>);

#[derive(Debug)]
struct State {
    chaos: Chaos,
    script: VecDeque<Fate>,
    random: StdRng,
    stats: Stats,
}

impl Default for Weather {
    fn default() -> Self {
        Self::new(Chaos::default())
    }
}

impl Weather {
    /// Starts with some chaos in force.
    pub fn new(chaos: Chaos) -> Self {
        let random = StdRng::seed_from_u64(chaos.seed);
        let script = chaos.script.iter().copied().collect();
        Self(Mutex::new(State { chaos, script, random, stats: Stats::default() }))
    }

    /// The chaos in force, as it was given.
    pub fn chaos(&self) -> Chaos {
        self.lock().chaos.clone()
    }

    /// Puts another chaos in force: its seed and script begin anew, the counts go on.
    pub fn set(&self, chaos: Chaos) {
        let mut state = self.lock();
        state.random = StdRng::seed_from_u64(chaos.seed);
        state.script = chaos.script.iter().copied().collect();
        state.chaos = chaos;
    }

    /// What was asked and what went wrong.
    pub fn stats(&self) -> Stats {
        self.lock().stats.clone()
    }

    /// Draws the fate of the next request, as those who ask can meet it, and counts that.
    pub fn draw(&self, meet: fn(Fate) -> Fate) -> Draw {
        let mut state = self.lock();
        let fate = meet(state.next_fate());
        let [min, max] = state.chaos.latency_ms;
        let latency = Duration::from_millis(state.random.random_range(min..=max.max(min)));
        state.stats.requests += 1;
        if fate != Fate::Ok {
            *state.stats.faults.entry(fate.as_str().to_owned()).or_default() += 1;
        }
        Draw { fate, latency, receipts: state.chaos.receipts }
    }

    /// Draws a number below `count`, for what else is left to chance.
    pub fn pick(&self, count: usize) -> usize {
        self.lock().random.random_range(0..count.max(1))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_fate(&mut self) -> Fate {
        if !self.chaos.script.is_empty() {
            return self.script.pop_front().unwrap_or(Fate::Ok);
        }
        if self.happens(self.chaos.rate_429) {
            Fate::Throttled
        } else if self.happens(self.chaos.rate_500) {
            self.one_of(&[
                Fate::Error500Taken,
                Fate::Error500,
                Fate::Error502Taken,
                Fate::Error502,
                Fate::Error504Taken,
                Fate::Error504,
            ])
        } else if self.happens(self.chaos.rate_hang) {
            self.one_of(&[Fate::HangTaken, Fate::HangNotTaken])
        } else if self.happens(self.chaos.rate_reply_lost) {
            self.one_of(&[Fate::ResetTaken, Fate::HalfBodyTaken, Fate::HtmlTaken, Fate::EndlessTaken])
        } else {
            Fate::Ok
        }
    }

    fn happens(&mut self, rate: f64) -> bool {
        rate > 0.0 && self.random.random::<f64>() < rate
    }

    fn one_of(&mut self, fates: &[Fate]) -> Fate {
        fates[self.random.random_range(0..fates.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(chaos: Chaos, count: usize) -> Vec<Fate> {
        let weather = Weather::new(chaos);
        (0..count).map(|_| weather.draw(|fate| fate).fate).collect()
    }

    #[test]
    fn one_seed_draws_one_row_of_fates() {
        let chaos = |seed| Chaos { rate_429: 0.2, rate_500: 0.3, rate_hang: 0.2, seed, ..Chaos::default() };
        assert_eq!(fates(chaos(7), 200), fates(chaos(7), 200));
        assert_ne!(fates(chaos(7), 200), fates(chaos(8), 200));
    }

    #[test]
    fn a_rate_is_met_and_half_of_its_failures_are_taken() {
        let all = fates(Chaos { rate_500: 0.5, seed: 1, ..Chaos::default() }, 10_000);
        let failed = all.iter().filter(|fate| **fate != Fate::Ok).count();
        let taken = all.iter().filter(|fate| **fate != Fate::Ok && fate.is_taken()).count();
        assert!((4_800..5_200).contains(&failed), "{failed}");
        assert!((2_300..2_700).contains(&taken), "{taken}");
    }

    #[test]
    fn a_lost_reply_is_always_a_message_taken() {
        let all = fates(Chaos { rate_reply_lost: 1.0, seed: 1, ..Chaos::default() }, 1_000);
        assert!(all.iter().all(|fate| fate.is_taken() && *fate != Fate::Ok));
    }

    #[test]
    fn a_script_is_followed_once_and_then_all_is_well() {
        let script = vec![Fate::Throttled, Fate::Ok, Fate::Error502Taken];
        let chaos = Chaos { script, rate_429: 1.0, ..Chaos::default() };
        let weather = Weather::new(chaos.clone());
        let drawn: Vec<_> = (0..5).map(|_| weather.draw(|fate| fate).fate).collect();
        assert_eq!(drawn, [Fate::Throttled, Fate::Ok, Fate::Error502Taken, Fate::Ok, Fate::Ok]);
        let faults = BTreeMap::from([("429".to_owned(), 1), ("502_taken".to_owned(), 1)]);
        assert_eq!(weather.stats(), Stats { requests: 5, faults });
        weather.set(chaos);
        assert_eq!(weather.draw(|fate| fate).fate, Fate::Throttled);
    }

    #[test]
    fn json_names_fates_as_the_counts_do() {
        let json = r#"{"rate_429":0.5,"receipts":"shuffled","latency_ms":[1,2],"script":["ok","503","504_not_taken"]}"#;
        let chaos: Chaos = serde_json::from_str(json).unwrap();
        assert_eq!(chaos.script, [Fate::Ok, Fate::Away, Fate::Error504]);
        for fate in chaos.script {
            assert_eq!(serde_json::to_value(fate).unwrap(), fate.as_str());
        }
        assert!(serde_json::from_str::<Chaos>(r#"{"script":["nonsense"]}"#).is_err());
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let chaos = Chaos { rate_429: 1.1, rate_hang: f64::NAN, latency_ms: [2, 1], ..Chaos::default() };
        let fields: Vec<_> = chaos.check().unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["rate_429", "rate_hang", "latency_ms"]);
        assert_eq!(Chaos::default().check(), Ok(()));
    }
}
