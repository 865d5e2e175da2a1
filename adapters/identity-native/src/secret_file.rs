//! Secrets that are generated on first use and kept in files.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::{Secret, SigningKey, TooShort};
use runtime::Entropy;

use crate::SecretFileError;

/// The random bytes in a new secret. As base64 text it is longer than the minimum of [`Secret`].
const RANDOM_BYTES: usize = 32;

/// Only the file's owner may read a secret.
const MODE: u32 = 0o600;

/// Loads the secret from the file at `path`. If the file does not exist, creates it (with its folders): one line of random
/// text that only the owner may read. The file is created atomically: after a crash it is complete or absent, and processes
/// that start at the same time get the same secret. White space around the text is ignored.
///
/// # Errors
/// [`SecretFileError`] if the file can be neither read nor created, or is too short for a secret.
pub fn load_or_create_secret(path: &Path, entropy: &impl Entropy) -> Result<Secret, SecretFileError> {
    load_or_create(path, entropy, Secret::new)
}

/// Loads the key for signed URLs from the file at `path`, or creates it, as [`load_or_create_secret`] does.
///
/// # Errors
/// [`SecretFileError`] if the file can be neither read nor created, or is too short for a key.
pub fn load_or_create_signing_key(
    path: &Path,
    entropy: &impl Entropy,
) -> Result<SigningKey, SecretFileError> {
    load_or_create(path, entropy, SigningKey::new)
}

fn load_or_create<T>(
    path: &Path,
    entropy: &impl Entropy,
    parse: fn(&[u8]) -> Result<T, TooShort>,
) -> Result<T, SecretFileError> {
    match load(path, parse) {
        Err(SecretFileError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(path, entropy)
                .map_err(|source| SecretFileError::Write { path: path.to_owned(), source })?;
            load(path, parse)
        }
        other => other,
    }
}

fn load<T>(path: &Path, parse: fn(&[u8]) -> Result<T, TooShort>) -> Result<T, SecretFileError> {
    let text = fs::read(path).map_err(|source| SecretFileError::Read { path: path.to_owned(), source })?;
    parse(text.trim_ascii()).map_err(|source| SecretFileError::TooShort { path: path.to_owned(), source })
}

/// Creates the file, unless another process has created it first.
fn create(path: &Path, entropy: &impl Entropy) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    let draft = Draft::write(folder, entropy)?;
    // Unlike a rename, a hard link never replaces an existing file.
    match fs::hard_link(&draft.path, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => File::open(folder)?.sync_all(),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// A complete secret in a temporary file with a unique name; the file is removed when this is dropped.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn write(folder: &Path, entropy: &impl Entropy) -> io::Result<Self> {
        let draft = Self { path: folder.join(format!(".secret-{}", random_text::<9>(entropy))) };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&draft.path)?;
        writeln!(file, "{}", random_text::<RANDOM_BYTES>(entropy))?;
        file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A temporary file that remains after a crash is harmless: nothing is signed with its secret.
        let _ = fs::remove_file(&self.path);
    }
}

fn random_text<const BYTES: usize>(entropy: &impl Entropy) -> String {
    let mut bytes = [0; BYTES];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, thread};

    use identity::{Grant, UrlSigner, UserId, mint};
    use runtime::Timestamp;
    use storage_native::OsEntropy;

    use super::*;

    /// A token signed with `secret`: tests compare secrets by their tokens.
    fn token(secret: &Secret) -> String {
        let subject = &UserId::parse("alice").unwrap();
        let ttl = std::time::Duration::from_secs(60);
        let grant = Grant { subject, scope: None, ttl, issuer: None, audience: None };
        mint(secret, &grant, Timestamp::from_millis(0))
    }

    #[test]
    fn a_new_secret_is_one_line_that_only_its_owner_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/jwt-secret");
        let made = load_or_create_secret(&path, &OsEntropy).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!((text.len(), text.trim_end().len()), (44, 43));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(token(&made), token(&Secret::new(text.trim_end().as_bytes()).unwrap()));
        let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "the temporary file is removed");
    }

    #[test]
    fn an_existing_secret_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwt-secret");
        fs::write(&path, " 0123456789abcdef0123456789abcdef\r\n").unwrap();
        let loaded = load_or_create_secret(&path, &OsEntropy).unwrap();
        assert_eq!(token(&loaded), token(&Secret::new(b"0123456789abcdef0123456789abcdef").unwrap()));
    }

    #[test]
    fn a_signing_key_is_created_once_and_then_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url-key");
        let [made, loaded] = [(); 2].map(|()| load_or_create_signing_key(&path, &OsEntropy).unwrap());
        let sign = |key| UrlSigner::new(key).sign("GET", "abc", 0);
        assert_eq!(sign(made), sign(loaded));
    }

    #[test]
    fn processes_that_start_at_the_same_time_get_the_same_secret() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = &folder.path().join("jwt-secret");
            let tokens: Vec<_> = thread::scope(|scope| {
                let load = || token(&load_or_create_secret(path, &OsEntropy).unwrap());
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(tokens.iter().all(|token| *token == tokens[0]));
        }
    }

    #[test]
    fn a_file_without_a_secret_is_named_in_the_error_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwt-secret");
        fs::write(&path, "short\n").unwrap();
        let error = load_or_create_secret(&path, &OsEntropy).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the secret in {} must have at least 32 bytes", path.display())
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "short\n");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let path = file.join("jwt-secret");
        let error = load_or_create_secret(&path, &OsEntropy).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
