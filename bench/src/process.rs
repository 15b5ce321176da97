//! Processes that the benchmark starts. Each is a group of its own, and ends with whoever started it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::time::{ClockId, clock_gettime};

/// How long a process may take to end before it is killed.
const LAST_CHANCE: Duration = Duration::from_secs(10);

/// A process with everything that it started; ended when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Pid,
}

impl Process {
    /// Starts a command. What it says goes to the log.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        use std::os::unix::process::CommandExt;

        let log = fs::File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log).process_group(0);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let group = Pid::from_child(&child);
        Ok(Self { child, group })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails when it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("a server ended by itself: {status}"),
            None => Ok(()),
        }
    }

    /// What is resident of it, in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        resident_mib(self.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if kill_process_group(self.group, Signal::TERM).is_ok() {
            let begun = Instant::now();
            while begun.elapsed() < LAST_CHANCE && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // whatever of it is left, its own children included
        if kill_process_group(self.group, Signal::KILL).is_ok() {
            self.child.wait().map(drop).unwrap_or_default();
        }
    }
}

/// Runs a command to its end and gives what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let said: Vec<String> = std::iter::once(command.get_program()).chain(command.get_args()).map(shown).collect();
    let output = command.stdin(Stdio::null()).output().with_context(|| said.join(" "))?;
    if !output.status.success() {
        bail!("{}: {}", said.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn shown(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}

/// The processor time that this thread has had.
pub fn thread_cpu() -> Result<Duration> {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}

fn resident_mib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(kib / 1024.0)
}
