//! The secrets of one machine.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::{Secret, SigningKey, TooShort};
use storage::Entropy;

use crate::SecretFileError;

/// The random bytes in a new secret; as text it is longer than what [`Secret`] asks for.
const RANDOM_BYTES: usize = 32;

/// Only the owner may read a secret.
const MODE: u32 = 0o600;

/// The secret in the file at `path`, which is made (with its folders) if it is not there: one line of random text that
/// only the owner may read. Whatever happens at the same time or midway, there is a whole file or none, and all who ask
/// get the same secret. White space around the text does not count.
///
/// # Errors
/// [`SecretFileError`] if the file can neither be read nor made, or has less in it than a secret.
pub fn load_or_create_secret(path: &Path, entropy: &impl Entropy) -> Result<Secret, SecretFileError> {
    load_or_create(path, entropy, Secret::new)
}

/// The key for signed URLs in the file at `path`, which is made like that of [`load_or_create_secret`].
///
/// # Errors
/// [`SecretFileError`] if the file can neither be read nor made, or has less in it than a key.
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

/// Makes the file, unless another process was faster.
fn create(path: &Path, entropy: &impl Entropy) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    let draft = Draft::write(folder, entropy)?;
    // Unlike a rename, a link never takes the place of a file that is there already.
    match fs::hard_link(&draft.path, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => File::open(folder)?.sync_all(),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// A complete secret under a name that nobody else uses, removed when dropped.
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
        // What stays behind after a crash is a secret that nothing is signed with.
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
    use storage::Timestamp;
    use storage_native::OsEntropy;

    use super::*;

    /// A token shows which secret it was signed with without showing the secret.
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
        assert_eq!(names, 1, "no draft stays behind");
    }

    #[test]
    fn a_secret_that_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwt-secret");
        fs::write(&path, " 0123456789abcdef0123456789abcdef\r\n").unwrap();
        let loaded = load_or_create_secret(&path, &OsEntropy).unwrap();
        assert_eq!(token(&loaded), token(&Secret::new(b"0123456789abcdef0123456789abcdef").unwrap()));
    }

    #[test]
    fn a_signing_key_is_made_and_kept_likewise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url-key");
        let [made, loaded] = [(); 2].map(|()| load_or_create_signing_key(&path, &OsEntropy).unwrap());
        let sign = |key| UrlSigner::new(key).sign("GET", "abc", 0);
        assert_eq!(sign(made), sign(loaded));
    }

    #[test]
    fn all_who_start_at_once_get_the_same_secret() {
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
    fn a_file_with_something_else_in_it_is_named_and_not_overwritten() {
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
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let path = file.join("jwt-secret");
        let error = load_or_create_secret(&path, &OsEntropy).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
