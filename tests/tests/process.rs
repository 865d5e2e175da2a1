//! The program from an operator's view: invalid settings, tokens, migrations, shutdown.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Method};
use tempfile::TempDir;
use tests::{HttpResponse, ImageFile, Program, User, program};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
    sync::oneshot,
    time::timeout,
};

async fn reticle(folder: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(program());
    command.args(arguments).env("RETICLE_DATA_DIR", folder).kill_on_drop(true);
    for port in ["RETICLE_LISTEN", "RETICLE_IMAGES_LISTEN", "RETICLE_ANNOTATIONS_LISTEN"] {
        command.env(port, "127.0.0.1:0");
    }
    Ok(timeout(Duration::from_secs(20), command.output()).await??)
}

/// Given an invalid setting, when the program starts, then it stops with an error that names the setting.
#[tokio::test]
async fn an_invalid_setting_stops_the_start_and_is_named() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    for (arguments, named) in [
        (["serve", "--listen", "nowhere"], "--listen"),
        (["serve", "--listen", "192.0.2.1:1"], "--listen"),
        (["serve", "--jwt-secret", "short"], "--jwt-secret"),
        (["serve", "--jwks", "/nowhere/keys.json"], "--jwks"),
        (["serve", "--url-key", "short"], "--url-key"),
        (["serve", "--public-url", "not a url"], "--public-url"),
        (["serve", "--public-url", "https://a.example/?a=b"], "--public-url"),
        (["serve", "--public-url", "https://a.example/#a"], "--public-url"),
        (["serve", "--public-url", "https://user@a.example"], "--public-url"),
        (["serve", "--trusted-proxies", "somebody"], "--trusted-proxies"),
        (["serve", "--max-connections", "0"], "--max-connections"),
        (["serve", "--progress-bytes", "0"], "--progress-bytes"),
        (["serve", "--idle-timeout", "3"], "--idle-timeout"),
        (["serve", "--allowed-origins", "https://a.example/path"], "--allowed-origins"),
        (["serve", "--max-upload-bytes", "0"], "--max-upload-bytes"),
        (["serve", "--database-url", "postgres://x"], "--database-url"),
        (["serve", "--database-url", "sqlite::memory:"], "--database-url"),
        (["serve", "--objects-url", "ftp://x"], "--objects-url"),
        (["serve", "--data-dir", "/proc/nowhere"], "--data-dir"),
        (["gateway", "--images-url", "localhost"], "--images-url"),
        (["gateway", "--upstream-ca", "/nowhere/ca.pem"], "--upstream-ca"),
        (
            ["annotations", "--upstream-ca", "/dev/null"],
            "RETICLE_UPSTREAM_CA): /dev/null: it contains no certificate",
        ),
        (["token", "--subject", ""], "--subject"),
        (["token", "--scope", "image:read"], "--scope"),
    ] {
        let ended = reticle(folder.path(), &arguments).await?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(!ended.status.success() && said.contains(named), "{arguments:?}: {} {said}", ended.status);
    }
    Ok(())
}

/// Given a data folder that cannot be created, when the database and the secrets are elsewhere, then the start fails only because
/// the database cannot be reached; when a secret or a store would be in the folder, then the error names the folder.
#[tokio::test]
async fn a_data_folder_is_needed_only_for_what_is_stored_in_it() -> anyhow::Result<()> {
    let (missing, folder) = (Path::new("/proc/nowhere"), TempDir::new()?);
    let secret = "0123456789abcdef0123456789abcdef";
    let file = format!("sqlite:{}", folder.path().join("elsewhere.db").display());
    let (jwt_secret, url_key) = (("--jwt-secret", secret), ("--url-key", secret));
    let bridge = ("--database-url", "d1+https://127.0.0.1:1");
    let bucket = ("--objects-url", "s3://images?endpoint=http://127.0.0.1:1");
    for (settings, named) in [
        (&[bridge, bucket, jwt_secret, url_key][..], "--database-url"),
        (&[bridge, bucket, url_key], "--data-dir"),
        (&[bucket, jwt_secret, url_key], "--data-dir"),
        (&[("--database-url", &file), jwt_secret, url_key], "--data-dir"),
    ] {
        let settings = settings.iter().flat_map(|(setting, value)| [*setting, *value]);
        let arguments: Vec<_> = ["serve", "--bridge-secret", secret].into_iter().chain(settings).collect();
        let ended = reticle(missing, &arguments).await?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(
            !ended.status.success() && said.contains(&format!("reticle: {named}")),
            "{arguments:?}: {said}"
        );
    }
    Ok(())
}

/// Given a secret, when `reticle token` prints a token, then a server with this secret accepts it.
#[tokio::test]
async fn a_printed_token_is_accepted() -> anyhow::Result<()> {
    let folder = Arc::new(TempDir::new()?);
    let printed =
        reticle(folder.path(), &["token", "--subject", "alice", "--jwt-secret", tests::token::SECRET])
            .await?;
    let token = String::from_utf8(printed.stdout)?.trim().to_owned();
    let program = Program::start_on(folder, &[]).await?;
    let alice = User { id: "alice".to_owned(), token, target: program.target().clone() };
    let image = alice.upload(&ImageFile::png(8, 8), "a.png").await?;
    ensure!(image.text("/image/uploaded_by") == "alice", "{image:?}");
    Ok(())
}

/// Given a program whose log is closed, when it is called, then it responds.
#[tokio::test]
async fn a_closed_log_does_not_stop_the_program() -> anyhow::Result<()> {
    let mut program = Program::start(&[]).await?;
    program.close_log().await;
    let user = program.target().new_user();
    for _ in 0..3 {
        ensure!(user.upload(&ImageFile::png(8, 8), "a.png").await?.status == 201);
    }
    ensure!(program.id().is_ok());
    Ok(())
}

/// Given clients that disconnect in the middle of an upload or a download, then nothing of their calls remains: no row, no
/// object, no partial object, no open file.
#[tokio::test(flavor = "multi_thread")]
async fn disconnected_clients_leave_no_data() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let large = user.upload(&ImageFile::of_size(8_000_000), "large.png").await?;
    let content = format!("/api/images/{}/content", large.text("/image/id"));
    let before = (files(program.data_dir())?, open_files(&program)?);
    let authorization = format!("host: reticle\r\nauthorization: Bearer {}\r\n", user.token);
    let png = ImageFile::png(8, 8).bytes;
    let upload = format!("POST /api/images/upload HTTP/1.1\r\n{authorization}content-length: 900000\r\n");
    let form = "content-type: multipart/form-data; boundary=B\r\n\r\n--B\r\n\
        content-disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
    let half = [
        [upload.as_bytes(), b"content-type: image/png\r\n\r\n", &png].concat(),
        [upload.as_bytes(), form.as_bytes(), &png].concat(),
        format!("GET {content} HTTP/1.1\r\n{authorization}\r\n").into_bytes(),
    ];
    for request in half.iter().cycle().take(60) {
        let mut client = TcpStream::connect(program.target().gateway).await?;
        client.write_all(request).await?;
        if request.starts_with(b"GET") {
            client.read_exact(&mut [0; 1000]).await?;
        }
    }
    let gone = async {
        while (files(program.data_dir())?, open_files(&program)?) != before {
            ensure!(user.get("/livez").await?.status == 200);
        }
        anyhow::Ok(())
    };
    timeout(Duration::from_secs(20), gone).await.context("files remain")??;
    let images = user.get("/api/images").await?;
    ensure!(images.json["images"].as_array().is_some_and(|images| images.len() == 1), "{images:?}");
    Ok(())
}

/// The files of the object store, staged ones included.
fn files(data_dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![data_dir.join("objects")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// How many objects and partial objects the program has open.
fn open_files(program: &Program) -> anyhow::Result<usize> {
    let open = fs::read_dir(format!("/proc/{}/fd", program.id()?))?;
    let paths = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Ok(paths.filter(|path| path.starts_with(program.data_dir().join("objects"))).count())
}

/// Given a database with a migration of a later version, when this version starts, then it stops with an error.
#[tokio::test]
async fn a_database_of_a_newer_version_is_rejected() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let migrated = reticle(folder.path(), &["migrate"]).await?;
    ensure!(
        migrated.status.success() && String::from_utf8_lossy(&migrated.stdout).contains("0001_images.sql")
    );
    let database = rusqlite::Connection::open(folder.path().join("reticle.db"))?;
    database.execute("INSERT INTO d1_migrations (name) VALUES ('9999_future.sql')", [])?;
    for command in ["serve", "migrate"] {
        let rejected = reticle(folder.path(), &[command]).await?;
        let said = String::from_utf8_lossy(&rejected.stderr);
        ensure!(!rejected.status.success() && said.contains("9999_future.sql"), "{said}");
    }
    Ok(())
}

/// Given a running upload, when the program receives SIGTERM, then the upload succeeds, and the program stops with success.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_upload_completes_when_the_program_stops() -> anyhow::Result<()> {
    let mut program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let (rest, may_continue) = oneshot::channel::<()>();
    let (begun, has_begun) = oneshot::channel::<()>();
    let file = ImageFile::of_size(200_000);
    let (first, second) = (file.bytes[..100_000].to_vec(), file.bytes[100_000..].to_vec());
    let late = stream::once(async move {
        _ = begun.send(());
        drop(may_continue.await);
        anyhow::Ok(second)
    });
    let body = Body::wrap_stream(stream::iter([anyhow::Ok(first)]).chain(late));
    let request =
        user.request(Method::POST, "/api/images/upload").header("content-type", "image/png").body(body);
    let stop = async {
        drop(has_begun.await);
        let stopped = Command::new("kill").args(["-TERM", &program.id()?.to_string()]).status().await?;
        ensure!(stopped.success());
        // The program accepts no new connection once it stops.
        while reqwest::get(program.target().url("/livez")).await.is_ok() {
            tokio::task::yield_now().await;
        }
        _ = rest.send(());
        Ok(())
    };
    let (response, stopped) = tokio::join!(request.send(), stop);
    stopped?;
    let response = HttpResponse::read(response?).await?;
    ensure!(response.status == 201, "{response:?}");
    let status = timeout(Duration::from_secs(30), program.wait()).await??;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// Given an upload that never ends, when the program receives SIGTERM twice, then it does not wait for the upload.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_the_program_at_once() -> anyhow::Result<()> {
    let mut program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let mut client = TcpStream::connect(program.target().gateway).await?;
    let head = format!(
        "POST /api/images/upload HTTP/1.1\r\nhost: reticle\r\nauthorization: Bearer {}\r\n\
         content-type: image/png\r\ncontent-length: 900000\r\nexpect: 100-continue\r\n\r\n",
        user.token
    );
    client.write_all(head.as_bytes()).await?;
    // The response `100 Continue` shows that the upload has started.
    client.read_exact(&mut [0; 12]).await?;
    let pid = program.id()?.to_string();
    let terminate = async || Command::new("kill").args(["-TERM", &pid]).status().await;
    ensure!(terminate().await?.success());
    while reqwest::get(program.target().url("/livez")).await.is_ok() {
        tokio::task::yield_now().await;
    }
    ensure!(terminate().await?.success());
    // Less than the grace period, and less than an upload may be idle.
    let status =
        timeout(Duration::from_secs(10), program.wait()).await.context("the program still waits")??;
    ensure!(status.success(), "{status}");
    Ok(())
}
