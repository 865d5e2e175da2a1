//! Lists objects in byte order of their keys.
//!
//! The walk visits the folders in order and keeps a bounded number of names of each folder on its path, so that the memory
//! for a page does not depend on the number of objects.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    fs, io,
    path::{Path, PathBuf},
};

use storage::{ObjectKey, ObjectList};

use super::{
    absent_as_none, info,
    layout::{SEGMENT_MARK, SHARD_MARK},
};

/// The most names of one folder that are in memory at a time; a larger folder is read again for the next ones.
const NAMES: usize = 1_000;

/// What to list.
#[derive(Debug)]
pub(super) struct Query {
    prefix: String,
    after: Option<String>,
    limit: usize,
}

impl Query {
    pub(super) fn new(prefix: &str, after: Option<&ObjectKey>, limit: usize) -> Self {
        Self { prefix: prefix.to_owned(), after: after.map(ToString::to_string), limit }
    }

    fn wants(&self, entry: &Entry) -> bool {
        let after = self.after.as_deref();
        match entry.kind {
            Kind::Object => {
                entry.sorts_as.starts_with(&self.prefix) && after.is_none_or(|after| *entry.sorts_as > *after)
            }
            // All keys in a folder begin with its `sorts_as`.
            Kind::Segment | Kind::Shard => {
                let may_match =
                    entry.sorts_as.starts_with(&self.prefix) || self.prefix.starts_with(&entry.sorts_as);
                let may_follow = |after: &str| *entry.sorts_as > *after || after.starts_with(&entry.sorts_as);
                may_match && after.is_none_or(may_follow)
            }
        }
    }
}

/// Lists the objects below `root`.
pub(super) fn list(root: &Path, query: &Query) -> io::Result<ObjectList> {
    let mut walk = Walk { query, page: ObjectList::default() };
    walk.folder(root, "")?;
    Ok(walk.page)
}

struct Walk<'a> {
    query: &'a Query,
    page: ObjectList,
}

impl Walk<'_> {
    /// Visits the entries of `folder`, whose keys begin with `base`. It ends early when the page is full.
    fn folder(&mut self, folder: &Path, base: &str) -> io::Result<()> {
        let mut last = None;
        loop {
            let entries = self.first_entries(folder, base, last.as_ref())?;
            for entry in &entries {
                self.entry(folder, base, entry)?;
                if self.page.more {
                    return Ok(());
                }
            }
            if entries.len() < NAMES {
                return Ok(());
            }
            last = entries.into_iter().next_back();
        }
    }

    fn entry(&mut self, folder: &Path, base: &str, entry: &Entry) -> io::Result<()> {
        let path = folder.join(&entry.name);
        match entry.kind {
            Kind::Object => self.object(&path, &entry.sorts_as),
            Kind::Segment => self.folder(&path, &entry.sorts_as),
            // The names in a shard are complete: they repeat the characters of the shard.
            Kind::Shard => self.folder(&path, base),
        }
    }

    fn object(&mut self, path: &PathBuf, key: &str) -> io::Result<()> {
        // The object may have been deleted since its name was read.
        let Some(file) = absent_as_none(fs::metadata(path))? else { return Ok(()) };
        let Some(key) = ObjectKey::parse(key) else { return Ok(()) };
        if self.page.objects.len() < self.query.limit {
            self.page.objects.push(info(key, &file)?);
        } else {
            self.page.more = true;
        }
        Ok(())
    }

    /// The first [`NAMES`] entries of `folder` after `last`, in order.
    fn first_entries(&self, folder: &Path, base: &str, last: Option<&Entry>) -> io::Result<Vec<Entry>> {
        let mut smallest: BinaryHeap<Entry> = BinaryHeap::new();
        // The folder may have been removed with its last object.
        let Some(names) = absent_as_none(fs::read_dir(folder))? else { return Ok(Vec::new()) };
        for name in names {
            let Ok(name) = name?.file_name().into_string() else { continue };
            let entry = Entry::new(base, name);
            if self.query.wants(&entry) && last.is_none_or(|last| entry > *last) {
                smallest.push(entry);
                if smallest.len() > NAMES {
                    smallest.pop();
                }
            }
        }
        Ok(smallest.into_sorted_vec())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Segment,
    Shard,
}

/// A name in a folder.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// The object's key, or the common prefix of all keys in the folder. No other entry of the same parent sorts between
    /// those keys: all names with the first characters of a shard are in the shard.
    sorts_as: String,
    kind: Kind,
    name: String,
}

impl Entry {
    fn new(base: &str, name: String) -> Self {
        let (kind, sorts_as) = if let Some(segment) = name.strip_suffix(SEGMENT_MARK) {
            (Kind::Segment, format!("{base}{segment}/"))
        } else if let Some(shard) = name.strip_suffix(SHARD_MARK) {
            (Kind::Shard, format!("{base}{shard}"))
        } else {
            (Kind::Object, format!("{base}{name}"))
        };
        Self { sorts_as, kind, name }
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sorts_as.cmp(&other.sorts_as)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_more_names_than_the_limit_is_listed_completely() {
        let root = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..2 * NAMES + 1).map(|n| format!("{n:05}")).collect();
        for name in names.iter().rev() {
            fs::write(root.path().join(name), "").unwrap();
        }
        fs::create_dir(root.path().join("empty+")).unwrap();

        let all = list(root.path(), &Query::new("", None, 10_000)).unwrap();
        let some = list(root.path(), &Query::new("", None, NAMES)).unwrap();

        let keys: Vec<&str> = all.objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, names);
        assert_eq!((all.more, some.more, some.objects.len()), (false, true, NAMES));
    }
}
