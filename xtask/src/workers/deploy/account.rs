//! The Cloudflare account: signs in, and creates the database and the bucket if they are missing.

use std::io::{IsTerminal as _, stdin};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::{state::State, wrangler::Wrangler};
use crate::workers::{BUCKET, DATABASE};

/// Cloudflare's error code for a bucket that this account already has.
const BUCKET_EXISTS: u64 = 10004;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Account {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Database {
    uuid: String,
    name: String,
}

/// Finds the account, and makes `wrangler` and `state` use it. In a terminal, signs in first if there is no login.
#[expect(clippy::disallowed_methods, reason = "a task reads its own environment, once")]
pub(super) fn sign_in(wrangler: &mut Wrangler<'_>, state: &mut State) -> anyhow::Result<()> {
    eprintln!("== account");
    let accounts = match accounts(wrangler)? {
        Some(accounts) => accounts,
        None if stdin().is_terminal() => {
            wrangler.run(&["login"])??;
            accounts(wrangler)?.context("wrangler is still not signed in")?
        }
        None => bail!(
            "Not signed in to Cloudflare. Set CLOUDFLARE_API_TOKEN, or run this command in a terminal to sign in."
        ),
    };
    let wanted = std::env::var("CLOUDFLARE_ACCOUNT_ID").ok();
    let kept = state.deployment.account_id.as_deref();
    let account = choose(&accounts, wanted.as_deref(), kept)
        .with_context(|| format!("The state folder is {}", state.folder.display()))?;
    eprintln!("== account: {} ({})", account.name, account.id);
    wrangler.use_account(&account.id);
    state.deployment.account_id = Some(account.id.clone());
    state.save()
}

/// The accounts of the login, or `None` without a login.
fn accounts(wrangler: &Wrangler<'_>) -> anyhow::Result<Option<Vec<Account>>> {
    #[derive(Deserialize)]
    struct Login {
        accounts: Vec<Account>,
    }
    match wrangler.read(&["whoami", "--json"])? {
        Ok(json) => {
            let login: Login = serde_json::from_str(&json).context("wrangler whoami")?;
            Ok(Some(login.accounts))
        }
        // Without a login, wrangler fails before it calls Cloudflare.
        Err(rejected) if rejected.code.is_none() && rejected.to_string().contains("\"loggedIn\":false") => {
            Ok(None)
        }
        Err(rejected) => Err(rejected).context("Cloudflare rejects the login"),
    }
}

/// The account that the environment names, else the one of the state folder, else the only one.
fn choose<'a>(
    accounts: &'a [Account],
    wanted: Option<&str>,
    kept: Option<&str>,
) -> anyhow::Result<&'a Account> {
    let list: Vec<_> = accounts.iter().map(|account| format!("{} ({})", account.name, account.id)).collect();
    let list = list.join(", ");
    if let (Some(wanted), Some(kept)) = (wanted, kept) {
        ensure!(
            wanted == kept,
            "It belongs to account {kept}, but CLOUDFLARE_ACCOUNT_ID is {wanted}. Choose another folder with --state."
        );
    }
    match (wanted.or(kept), accounts) {
        (Some(id), _) => accounts
            .iter()
            .find(|account| account.id == id)
            .with_context(|| format!("The login has no access to account {id}. It has access to: {list}")),
        (None, [only]) => Ok(only),
        (None, []) => bail!("The login has no access to any account"),
        (None, _) => {
            bail!("The login has access to several accounts. Set CLOUDFLARE_ACCOUNT_ID to one of: {list}")
        }
    }
}

/// Finds the database, or creates it, and stores its id in `state`.
pub(super) fn database(
    wrangler: &Wrangler<'_>,
    state: &mut State,
    location: Option<&str>,
) -> anyhow::Result<()> {
    eprintln!("== database {DATABASE}");
    let all = databases(wrangler)?;
    if let Some(kept) = &state.deployment.database_id {
        ensure!(
            all.iter().any(|database| database.uuid == *kept),
            "The account no longer has the database {kept}, which {} names. Set `database_id` there to the database to \
             use, or remove that line to use the database named {DATABASE}, which is created if it does not exist.",
            state.file().display()
        );
        return Ok(());
    }
    let found = match find(all) {
        Some(found) => found,
        None => {
            let mut create = vec!["d1", "create", DATABASE];
            create.extend(location.into_iter().flat_map(|location| ["--location", location]));
            wrangler.read(&create)?.with_context(|| format!("Cannot create the database {DATABASE}"))?;
            find(databases(wrangler)?)
                .with_context(|| format!("The new database {DATABASE} is not in the account's list"))?
        }
    };
    state.deployment.database_id = Some(found.uuid);
    state.save()
}

fn find(all: Vec<Database>) -> Option<Database> {
    all.into_iter().find(|database| database.name == DATABASE)
}

fn databases(wrangler: &Wrangler<'_>) -> anyhow::Result<Vec<Database>> {
    let list = wrangler.read(&["d1", "list", "--json"])?.context("Cannot list the account's databases")?;
    serde_json::from_str(&list).context("wrangler d1 list")
}

/// Creates the bucket, if it does not exist.
pub(super) fn bucket(wrangler: &Wrangler<'_>, location: Option<&str>) -> anyhow::Result<()> {
    eprintln!("== bucket {BUCKET}");
    let mut create = vec!["r2", "bucket", "create", BUCKET];
    create.extend(location.into_iter().flat_map(|location| ["--location", location]));
    match wrangler.read(&create)? {
        Ok(_) => Ok(()),
        Err(rejected) if rejected.code == Some(BUCKET_EXISTS) => Ok(()),
        Err(rejected) => Err(rejected).with_context(|| format!("Cannot create the bucket {BUCKET}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Account {
        Account { id: id.to_owned(), name: "Name".to_owned() }
    }

    #[test]
    fn a_single_account_is_chosen_and_several_need_a_choice() {
        assert_eq!(choose(&[account("a")], None, None).unwrap().id, "a");
        let several = [account("a"), account("b")];
        assert_eq!(choose(&several, Some("b"), None).unwrap().id, "b");
        assert_eq!(choose(&several, None, Some("b")).unwrap().id, "b");
        let error = choose(&several, None, None).unwrap_err().to_string();
        assert!(error.contains("CLOUDFLARE_ACCOUNT_ID") && error.contains("Name (b)"), "{error}");
    }

    #[test]
    fn a_state_folder_belongs_to_one_account() {
        let error = choose(&[account("a"), account("b")], Some("a"), Some("b")).unwrap_err().to_string();
        assert!(error.contains("--state"), "{error}");
        assert!(choose(&[account("a")], None, Some("b")).is_err());
        assert!(choose(&[], None, None).is_err());
    }
}
