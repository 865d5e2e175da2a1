//! What an isolate keeps between requests.

use std::{cell::OnceCell, thread::LocalKey};

use crate::Misconfigured;

/// What `cell` keeps, made by `build` for the isolate's first request. Only what no request can change belongs there. A
/// failure is not kept: each request tells it.
///
/// # Errors
/// Those of `build`.
pub fn once<P: Clone>(
    cell: &'static LocalKey<OnceCell<P>>,
    build: impl FnOnce() -> Result<P, Misconfigured>,
) -> Result<P, Misconfigured> {
    if let Some(parts) = cell.with(|cell| cell.get().cloned()) {
        return Ok(parts);
    }
    let parts = build()?;
    Ok(cell.with(|cell| cell.get_or_init(|| parts).clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static CELL: OnceCell<u8> = const { OnceCell::new() };
    }

    #[test]
    fn what_is_built_is_kept_and_a_failure_is_not() {
        let broken = Misconfigured::new("IT", "is broken");
        assert_eq!(once(&CELL, || Err(broken.clone())), Err(broken));
        assert_eq!(once(&CELL, || Ok(1)), Ok(1));
        assert_eq!(once(&CELL, || Ok(2)), Ok(1));
    }
}
