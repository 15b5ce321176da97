//! The chart: a bar for each rate of accepting, of the ceiling, of the limits and of the peers.

use crate::figure::{Row, shown};

/// What is drawn.
const GROUPS: [(&str, &str); 4] =
    [("ceiling", "#94a3b8"), ("limit", "#cbd5e1"), ("accept", "#2563eb"), ("peer: contract", "#f59e0b")];
const LINE: usize = 22;
const TEXT: f64 = 430.0;
const BARS: f64 = 420.0;

/// Draws the rates of a table as SVG.
pub fn draw(table: &[Row]) -> String {
    let bars: Vec<(&Row, &str)> = table.iter().filter_map(|row| Some((row, colour(row)?))).collect();
    let most = bars.iter().map(|(row, _)| row.figure.median()).fold(1.0, f64::max);
    let (width, height) = (960, bars.len() * LINE + 2 * LINE);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"8\" y=\"18\" font-weight=\"bold\">Messages a second, medians</text>\n"
    );
    for (at, (row, colour)) in bars.iter().enumerate() {
        svg.push_str(&bar(row, colour, ((at + 1) * LINE + 8, most)));
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(row: &Row, colour: &str, (top, most): (usize, f64)) -> String {
    let value = row.figure.median();
    let long = (value / most * BARS).max(1.0);
    let (what, on, value) = (escaped(&row.what), escaped(&row.on), shown(value));
    let (base, end) = (top + 12, TEXT + long + 8.0);
    format!(
        "<text x=\"8\" y=\"{base}\">{what} ({on})</text>\
         <rect x=\"{TEXT}\" y=\"{top}\" width=\"{long:.1}\" height=\"16\" fill=\"{colour}\"/>\
         <text x=\"{end:.1}\" y=\"{base}\">{value}</text>\n"
    )
}

/// That of the row's group, where it is a rate of one.
fn colour(row: &Row) -> Option<&'static str> {
    let group = GROUPS.iter().find(|(name, _)| row.what.starts_with(name))?;
    row.figure.is_rate().then_some(group.1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Figure, Unit};

    #[test]
    fn the_longest_bar_is_the_highest_rate_and_only_rates_are_drawn() {
        let row = |what: &str, value, unit| Row::new(what, "a & b", Figure::of(vec![value], unit).unwrap());
        let table = [
            row("ceiling", 200.0, Unit::PerSecond),
            row("accept", 50.0, Unit::PerSecond),
            row("accept: p99", 9.0, Unit::Millis),
            row("read", 999.0, Unit::PerSecond),
        ];
        let svg = draw(&table);
        assert!(svg.contains("width=\"420.0\"") && svg.contains("width=\"105.0\"") && svg.contains("a &amp; b"));
        assert_eq!(svg.matches("<rect").count(), 3);
    }
}
