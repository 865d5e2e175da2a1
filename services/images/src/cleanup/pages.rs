//! Lists objects page by page. The caller may move or delete the objects of a page before it reads the next one.

use storage::{ObjectKey, ObjectList, ObjectStore, Result};

use super::PAGE;

/// An iterator over the pages of a listing.
pub(super) struct Pages<'a> {
    prefix: &'a str,
    after: Option<ObjectKey>,
    is_done: bool,
}

impl<'a> Pages<'a> {
    pub(super) const fn below(prefix: &'a str) -> Self {
        Self { prefix, after: None, is_done: false }
    }

    /// The next page, which may be empty; `None` after the last.
    pub(super) async fn next(&mut self, objects: &impl ObjectStore) -> Result<Option<ObjectList>> {
        if self.is_done {
            return Ok(None);
        }
        let page = objects.list(self.prefix, self.after.as_ref(), PAGE).await?;
        self.after = page.objects.last().map(|object| object.key.clone());
        self.is_done = !page.more || self.after.is_none();
        Ok(Some(page))
    }
}
