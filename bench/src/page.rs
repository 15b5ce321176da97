//! The part of docs/benchmarks.md that is written here, between two marks, and its chart.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::bench::Bench;
use crate::chart;
use crate::figure::Row;
use crate::process::output;

const PAGE: &str = "docs/benchmarks.md";

/// Puts the table between the marks of that name, and draws its chart.
pub fn write(bench: &Bench, name: &str) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (path, chart) = (folder.join(PAGE), format!("{name}.svg"));
    let table = bench.table();
    fs::write(folder.join("docs").join(&chart), chart::draw(&table))?;
    let text = fs::read_to_string(&path)?;
    let refused: Vec<String> = bench.refused().iter().map(|what| format!("Refused: {}.\n\n", line(what))).collect();
    let part = format!("{}\n\n{}\n{}![Messages a second]({chart})\n", machine(bench)?, shown(&table), refused.concat());
    Ok(fs::write(path, replaced(&text, name, &part)?)?)
}

/// The text with another part between the marks.
fn replaced(text: &str, name: &str, part: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let marks = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = marks.with_context(|| format!("{PAGE} has no marks of {name}"))?;
    Ok(format!("{before}{begin}{part}{end}{after}"))
}

fn shown(table: &[Row]) -> String {
    let rows: Vec<String> = table.iter().map(|row| format!("{row}\n")).collect();
    format!("| What | On | Median (least..most) | In the same run | Wanted |\n|---|---|---|---|---|\n{}", rows.concat())
}

/// The first line of a text.
fn line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// When, on what, and of which state of the source it was.
fn machine(bench: &Bench) -> Result<String> {
    let ask = |program: &str, words: &[&str]| output(std::process::Command::new(program).args(words));
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unnamed processor");
    let processors = std::thread::available_parallelism()?;
    let settings = &bench.settings;
    Ok(format!(
        "{}, commit {}, {processors} x {}, Linux {}. Load, server and database share the machine. Each figure is the \
         median of {} runs of {} s, with the least and the most.",
        ask("date", &["-u", "+%F"])?,
        ask("git", &["describe", "--always", "--dirty"])?,
        model.trim_start_matches([' ', '\t', ':']),
        ask("uname", &["-r"])?,
        settings.runs,
        settings.seconds
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = "a\n<!-- x -->\nold\n<!-- /x -->\nb";
        assert_eq!(replaced(text, "x", "new\n").unwrap(), "a\n<!-- x -->\nnew\n<!-- /x -->\nb");
        assert!(replaced(text, "y", "new\n").is_err());
    }

    #[test]
    fn the_page_has_the_marks() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
        let text = fs::read_to_string(path).unwrap();
        for name in ["bench", "bench-long"] {
            assert!(replaced(&text, name, "").is_ok(), "{name}");
        }
    }
}
