use std::fmt;

/// A column of fixed width in a row of the text `fixed`. Displayed, it is the SQL that reads its bytes: with the row's first
/// byte at `start`, counted from 0, because `substr` counts from 1.
#[derive(Clone, Copy)]
pub(super) struct Column {
    offset: usize,
    width: usize,
}

impl Column {
    /// The first column of a row.
    pub(super) const fn first(width: usize) -> Self {
        Self { offset: 0, width }
    }

    /// The column after this one.
    pub(super) const fn next(self, width: usize) -> Self {
        Self { offset: self.end(), width }
    }

    /// The offset after its last byte.
    pub(super) const fn end(self) -> usize {
        self.offset + self.width
    }

    /// Its first byte, as a column.
    pub(super) const fn first_byte(self) -> Self {
        Self { offset: self.offset, width: 1 }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "substr(fixed, start + {}, {})", self.offset + 1, self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_begins_where_the_one_before_ends() {
        let first = Column::first(32);
        let second = first.next(3);
        assert_eq!(first.to_string(), "substr(fixed, start + 1, 32)");
        assert_eq!(second.to_string(), "substr(fixed, start + 33, 3)");
        assert_eq!(second.first_byte().to_string(), "substr(fixed, start + 33, 1)");
        assert_eq!(second.end(), 35);
    }
}
