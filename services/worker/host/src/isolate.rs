//! State that an isolate keeps between requests.

use std::{cell::OnceCell, thread::LocalKey};

use crate::Misconfigured;

/// The value of `cell`, which `build` creates at the first request of the isolate. The value must not depend on a request. An
/// error is not kept: the next request builds again.
///
/// # Errors
/// The errors of `build`.
pub fn get_or_try_init<P: Clone>(
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
    fn a_value_is_kept_and_an_error_is_not() {
        let broken = Misconfigured::new("IT", "is broken");
        assert_eq!(get_or_try_init(&CELL, || Err(broken.clone())), Err(broken));
        assert_eq!(get_or_try_init(&CELL, || Ok(1)), Ok(1));
        assert_eq!(get_or_try_init(&CELL, || Ok(2)), Ok(1));
    }
}
