//! The master key: from the environment, from a command, or, in `dev`, from a file of its own.

use std::fmt;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{Config, ConfigError};
use crate::clock::Clock;

/// How long the command for the master key may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// The keys that addresses are sealed under.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKeys {
    /// What new rows are sealed under.
    pub current: [u8; 32],
    /// What older rows may still be sealed under, while a rekey has not finished.
    pub previous: Option<[u8; 32]>,
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKeys(***)")
    }
}

/// Finds the master key: the configured one, else what the configured command prints, else, in `dev`, the one in the
/// data folder's `master.key`, which is made when absent.
///
/// # Errors
///
/// There is none, the command failed, or other users may read the file.
pub fn master_keys(config: &Config, is_dev: bool, clock: &Clock) -> Result<MasterKeys, ConfigError> {
    let current = match (&config.master_key, &config.master_key_command) {
        (Some(key), _) => parse(key.expose()).ok_or(ConfigError::NoMasterKey)?,
        (None, Some(command)) => run(command.expose(), COMMAND_TIMEOUT).map_err(ConfigError::MasterKeyCommand)?,
        (None, None) if is_dev => own_key(&config.data, clock)?,
        (None, None) => return Err(ConfigError::NoMasterKey),
    };
    let previous = config.previous_master_key.as_ref().and_then(|key| parse(key.expose()));
    Ok(MasterKeys { current, previous: previous.filter(|previous| *previous != current) })
}

/// Reads 64 hex digits.
pub(super) fn parse(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key).ok().map(|()| key)
}

/// What a shell command prints on its standard output; its errors go where ours go.
fn run(command: &str, timeout: Duration) -> Result<[u8; 32], String> {
    let child = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("could not be run: {error}"))?;
    let printed = printed(&mut child, timeout);
    if printed.is_none() {
        // It may have ended by itself meanwhile; either way it is gone.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("could not be waited for: {error}"))?;
    let printed = printed.ok_or_else(|| format!("printed nothing whole within {} s", timeout.as_secs()))?;
    if !status.success() {
        return Err(format!("failed: {status}"));
    }
    parse(&printed).ok_or_else(|| "did not print 64 hex digits on its standard output".to_owned())
}

fn printed(child: &mut Child, timeout: Duration) -> Option<String> {
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let _ = stdout.take(4_096).read_to_string(&mut text);
        // Nobody listens any more when the time was over.
        let _ = sender.send(text);
    });
    receiver.recv_timeout(timeout).ok()
}

fn own_key(data: &Path, clock: &Clock) -> Result<[u8; 32], ConfigError> {
    let path = data.join("master.key");
    let refused = |reason: String| ConfigError::KeyFile { path: path.clone(), reason };
    if !path.try_exists().map_err(|error| refused(error.to_string()))? {
        make_key(data, &path, clock).map_err(|error| refused(format!("could not be made: {error}")))?;
    }
    let mode = fs::metadata(&path).map_err(|error| refused(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(refused(format!("other users may read or write it (mode {mode:o}); `chmod 600` it")));
    }
    let text = fs::read_to_string(&path).map_err(|error| refused(error.to_string()))?;
    parse(&text).ok_or_else(|| refused("must hold 64 hex digits".to_owned()))
}

/// Makes the file whole or not at all, and leaves alone one that another process made meanwhile.
fn make_key(data: &Path, path: &Path, clock: &Clock) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    let draft = data.join(format!(".master.key.{}", hex::encode(clock.bytes::<8>())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    writeln!(file, "{}", hex::encode(clock.bytes::<32>()))?;
    file.sync_all()?;
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    fs::remove_file(&draft)?;
    fs::File::open(data)?.sync_all()?;
    linked
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::Sources;
    use super::*;
    use crate::domain::Timestamp;

    fn config(data: &Path) -> Config {
        let sources =
            Sources { environment: Some(HashMap::new()), data: Some(data.to_path_buf()), ..Sources::default() };
        Config::load(&sources).unwrap()
    }

    fn clock() -> Clock {
        Clock::manual(Timestamp::from_micros(0), 7)
    }

    #[test]
    fn dev_makes_its_own_key_once() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder.path().join("data"));
        let first = master_keys(&config, true, &clock()).unwrap();
        assert_eq!(master_keys(&config, true, &Clock::system()).unwrap(), first);
        let files: Vec<_> = fs::read_dir(&config.data).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["master.key"]);
    }

    #[test]
    fn serve_refuses_to_start_without_a_key_and_says_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let error = master_keys(&config(folder.path()), false, &clock()).unwrap_err().to_string();
        assert!(error.contains("SWITCHBOARD_MASTER_KEY") && error.contains("openssl rand -hex 32"), "{error}");
        assert!(!folder.path().join("master.key").exists());
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        master_keys(&config, true, &clock()).unwrap();
        fs::set_permissions(folder.path().join("master.key"), Permissions::from_mode(0o640)).unwrap();
        let error = master_keys(&config, true, &clock()).unwrap_err().to_string();
        assert!(error.contains("mode 640"), "{error}");
    }

    #[test]
    fn a_command_may_print_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        let key = "0f".repeat(32);
        config.master_key_command = Some(format!("printf '%s\\n' {key}").as_str().into());
        config.previous_master_key = Some("0e".repeat(32).as_str().into());
        let keys = master_keys(&config, false, &clock()).unwrap();
        assert_eq!(keys, MasterKeys { current: [0x0f; 32], previous: Some([0x0e; 32]) });
        assert_eq!(format!("{keys:?}"), "MasterKeys(***)");
    }

    #[test]
    fn a_command_that_fails_hangs_or_babbles_is_said() {
        let second = Duration::from_millis(300);
        assert!(run("exit 3", second).unwrap_err().contains("exit status: 3"));
        assert!(run("exec sleep 60", second).unwrap_err().contains("printed nothing whole"));
        let babble = run("echo the key is under the mat", second).unwrap_err();
        assert!(babble.contains("64 hex digits") && !babble.contains("mat"), "{babble}");
    }
}
