//! The account: who is signed in, and the database and the bucket there.

use std::io::{IsTerminal as _, stdin};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::{state::State, wrangler::Wrangler};
use crate::workers::{BUCKET, DATABASE};

/// Cloudflare's code for a bucket that this account has already.
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

/// Finds the account, and has `wrangler` and `state` use it. In a terminal it signs in first, if need be.
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

/// The accounts of the login, or nothing without one.
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
        // Wrangler fails without asking Cloudflare if there is no login.
        Err(rejected) if rejected.code.is_none() && rejected.to_string().contains("\"loggedIn\":false") => {
            Ok(None)
        }
        Err(rejected) => Err(rejected).context("Cloudflare rejects the login"),
    }
}

/// The account of the environment, else that of the state folder, else the only one.
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
            "It belongs to account {kept}, and CLOUDFLARE_ACCOUNT_ID is {wanted}: choose another folder by --state"
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

/// Finds the database, or makes it, and has `state` remember its id.
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
            "The account has no database {kept} any more, which {} names. Set `database_id` there to the database to \
             use, or remove that line to use the one named {DATABASE} or to make it anew.",
            state.file().display()
        );
        return Ok(());
    }
    let found = match find(all) {
        Some(found) => found,
        None => {
            let mut create = vec!["d1", "create", DATABASE];
            create.extend(location.into_iter().flat_map(|location| ["--location", location]));
            wrangler.read(&create)?.with_context(|| format!("The database {DATABASE} cannot be made"))?;
            find(databases(wrangler)?).with_context(|| format!("{DATABASE} is not among the databases"))?
        }
    };
    state.deployment.database_id = Some(found.uuid);
    state.save()
}

fn find(all: Vec<Database>) -> Option<Database> {
    all.into_iter().find(|database| database.name == DATABASE)
}

fn databases(wrangler: &Wrangler<'_>) -> anyhow::Result<Vec<Database>> {
    let list =
        wrangler.read(&["d1", "list", "--json"])?.context("The account's databases cannot be listed")?;
    serde_json::from_str(&list).context("wrangler d1 list")
}

/// Makes the bucket if there is none.
pub(super) fn bucket(wrangler: &Wrangler<'_>, location: Option<&str>) -> anyhow::Result<()> {
    eprintln!("== bucket {BUCKET}");
    let mut create = vec!["r2", "bucket", "create", BUCKET];
    create.extend(location.into_iter().flat_map(|location| ["--location", location]));
    match wrangler.read(&create)? {
        Ok(_) => Ok(()),
        Err(rejected) if rejected.code == Some(BUCKET_EXISTS) => Ok(()),
        Err(rejected) => Err(rejected).with_context(|| format!("The bucket {BUCKET} cannot be made")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Account {
        Account { id: id.to_owned(), name: "Name".to_owned() }
    }

    #[test]
    fn one_account_needs_no_choice_and_several_do() {
        assert_eq!(choose(&[account("a")], None, None).unwrap().id, "a");
        let several = [account("a"), account("b")];
        assert_eq!(choose(&several, Some("b"), None).unwrap().id, "b");
        assert_eq!(choose(&several, None, Some("b")).unwrap().id, "b");
        let error = choose(&several, None, None).unwrap_err().to_string();
        assert!(error.contains("CLOUDFLARE_ACCOUNT_ID") && error.contains("Name (b)"), "{error}");
    }

    #[test]
    fn a_state_folder_is_for_one_account() {
        let error = choose(&[account("a"), account("b")], Some("a"), Some("b")).unwrap_err().to_string();
        assert!(error.contains("--state"), "{error}");
        assert!(choose(&[account("a")], None, Some("b")).is_err());
        assert!(choose(&[], None, None).is_err());
    }
}
