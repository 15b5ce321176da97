//! Figures: each the median of its runs, with its spread, and what it is compared with.

use std::fmt;

use anyhow::{Context, Result};

/// What several runs gave.
#[derive(Debug, Clone)]
pub struct Figure {
    runs: Vec<f64>,
    unit: Unit,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Something in a second.
    PerSecond,
    /// Milliseconds.
    Millis,
    /// Mebibytes.
    Mebibytes,
    /// A plain number.
    Times,
}

impl Figure {
    /// Takes the runs of one thing; at least one.
    pub fn of(mut runs: Vec<f64>, unit: Unit) -> Result<Self> {
        runs.sort_by(f64::total_cmp);
        runs.first().context("a figure of no run")?;
        Ok(Self { runs, unit })
    }

    /// The middle one; of two in the middle the lower.
    pub fn median(&self) -> f64 {
        self.runs[(self.runs.len() - 1) / 2]
    }

    /// Whether it counts something in a second.
    pub fn is_rate(&self) -> bool {
        self.unit == Unit::PerSecond
    }

    /// The same of so many at once.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self { runs: self.runs.iter().map(|run| run * factor).collect(), unit: self.unit }
    }

    /// How many times of another one.
    pub fn of_other(&self, other: &Self) -> f64 {
        self.median() / other.median()
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::PerSecond => "/s",
            Unit::Millis => " ms",
            Unit::Mebibytes => " MiB",
            Unit::Times => "",
        };
        write!(f, "{}{unit}", shown(self.median()))?;
        if let [least, .., most] = self.runs[..] {
            write!(f, " ({}..{})", shown(least), shown(most))?;
        }
        Ok(())
    }
}

/// Three digits that count, with commas between thousands.
pub fn shown(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// On which database, or by whom.
    pub on: String,
    /// How much.
    pub figure: Figure,
    /// What that is of something else in the same run.
    pub ratio: String,
    /// What is wanted.
    pub wanted: &'static str,
}

impl Row {
    /// A line that is compared with nothing.
    pub fn new(what: &str, on: &str, figure: Figure) -> Self {
        Self { what: what.to_owned(), on: on.to_owned(), figure, ratio: String::new(), wanted: "" }
    }

    /// Says what part it is of something else.
    #[must_use]
    pub fn of(self, other: &Figure, name: &str) -> Self {
        let share = shown(self.figure.of_other(other));
        self.noting(&format!("**{share}** of {name}"))
    }

    /// Says how many times it is something else.
    #[must_use]
    pub fn beside(self, other: &Figure, name: &str) -> Self {
        let times = shown(self.figure.of_other(other));
        self.noting(&format!("**{times}** times {name}"))
    }

    /// Says something more.
    #[must_use]
    pub fn noting(mut self, note: &str) -> Self {
        if !self.ratio.is_empty() {
            self.ratio.push_str(", ");
        }
        self.ratio.push_str(note);
        self
    }

    /// Says what is wanted.
    #[must_use]
    pub fn wanted(mut self, wanted: &'static str) -> Self {
        self.wanted = wanted;
        self
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, on, figure, ratio, wanted } = self;
        write!(f, "| {what} | {on} | {figure} | {ratio} | {wanted} |")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_median_with_its_spread() {
        let figure = Figure::of(vec![12_345.6, 900.0, 10_000.0], Unit::PerSecond).unwrap();
        assert_eq!(figure.to_string(), "10,000/s (900..12,346)");
        assert_eq!(Figure::of(vec![1.234], Unit::Millis).unwrap().to_string(), "1.23 ms");
        assert!(Figure::of(Vec::new(), Unit::Times).is_err());
    }

    #[test]
    fn a_row_says_what_it_is_compared_with() {
        let [own, other] = [30.0, 40.0].map(|run| Figure::of(vec![run], Unit::PerSecond).unwrap());
        let row = Row::new("accept", "SQLite", own).of(&other, "the ceiling").noting("p99 2 ms").wanted("0.35");
        assert_eq!(row.to_string(), "| accept | SQLite | 30.0/s | **0.75** of the ceiling, p99 2 ms | 0.35 |");
    }
}
