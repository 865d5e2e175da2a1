//! The bounding box of an annotation and a model's confidence in it: numbers between 0 and 1.

use aip::{Violation, Violations};

/// The minimum length of a side.
const MIN_SIDE: f64 = 0.001;

/// How far a bounding box may extend past the right and the lower edge. A client that computes in single precision may exceed
/// the edge by a rounding error.
const EDGE_TOLERANCE: f64 = 1e-6;

/// A bounding box in fractions of the upright image's width and height, from its top left corner. Its sides are not zero, and
/// it lies within the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NormalizedBox {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl NormalizedBox {
    /// Checks these four numbers. Violations name the fields of the same names.
    pub(crate) fn new(x: f64, y: f64, width: f64, height: f64) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let x = violations.check(position("x", x));
        let y = violations.check(position("y", y));
        let width = violations.check(side("width", width));
        let height = violations.check(side("height", height));
        violations.check(within_edge("width", "x", x, width));
        violations.check(within_edge("height", "y", y, height));
        let numbers = x.zip(y).zip(width.zip(height));
        violations.into_result(numbers.map(|((x, y), (width, height))| Self { x, y, width, height }))
    }

    pub(crate) const fn x(&self) -> f64 {
        self.x
    }

    pub(crate) const fn y(&self) -> f64 {
        self.y
    }

    pub(crate) const fn width(&self) -> f64 {
        self.width
    }

    pub(crate) const fn height(&self) -> f64 {
        self.height
    }
}

/// Checks a coordinate of the top left corner.
pub(crate) fn position(field: &str, value: f64) -> Result<f64, Violation> {
    fraction(field, value)
}

/// Checks the length of a side.
pub(crate) fn side(field: &str, value: f64) -> Result<f64, Violation> {
    if (MIN_SIDE..=1.0).contains(&value) {
        return Ok(value);
    }
    Err(Violation::new(field, format!("must be between {MIN_SIDE} and 1")))
}

/// The largest sum of a position and a side. The sum itself is rounded, so its last bit is ignored.
const MAX_END: f64 = 1.0 + EDGE_TOLERANCE + f64::EPSILON;

/// Checks that `start` + `length` is within the image. It passes if one of the two is absent, because that one was invalid.
fn within_edge(side: &str, position: &str, start: Option<f64>, length: Option<f64>) -> Result<(), Violation> {
    match start.zip(length) {
        Some((start, length)) if start + length > MAX_END => {
            Err(Violation::new(side, format!("must end within the image: {position} + {side} is at most 1")))
        }
        _ => Ok(()),
    }
}

/// A model's confidence, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Confidence(f64);

impl Confidence {
    /// Checks `value`, the value of `field`.
    pub(crate) fn new(field: &str, value: f64) -> Result<Self, Violation> {
        fraction(field, value).map(Self)
    }

    /// The number.
    pub(crate) const fn get(self) -> f64 {
        self.0
    }
}

/// Checks that `value` is between 0 and 1. NaN and the infinities are not in the range.
fn fraction(field: &str, value: f64) -> Result<f64, Violation> {
    if !(0.0..=1.0).contains(&value) {
        return Err(Violation::new(field, "must be between 0 and 1"));
    }
    // Adding zero turns -0 into 0: not every database preserves -0.
    Ok(value + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BELOW_0: f64 = -f64::MIN_POSITIVE;
    const ABOVE_1: f64 = 1.0 + f64::EPSILON;
    const NOT_NUMBERS: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

    fn fields(x: f64, y: f64, width: f64, height: f64) -> Vec<String> {
        match NormalizedBox::new(x, y, width, height) {
            Ok(_) => Vec::new(),
            Err(violations) => violations.named().iter().map(|violation| violation.field.clone()).collect(),
        }
    }

    #[test]
    fn a_corner_is_between_0_and_1() {
        for value in [0.0, -0.0, f64::MIN_POSITIVE, 0.5, 0.999] {
            assert!(fields(value, value, 0.001, 0.001).is_empty(), "{value}");
        }
        for value in [BELOW_0, ABOVE_1, -1.0, 2.0].into_iter().chain(NOT_NUMBERS) {
            assert_eq!(fields(value, 0.0, 0.5, 0.5), ["x"], "{value}");
            assert_eq!(fields(0.0, value, 0.5, 0.5), ["y"], "{value}");
        }
    }

    #[test]
    fn a_side_is_between_a_thousandth_and_1() {
        for value in [0.001, 0.5, 1.0] {
            assert!(fields(0.0, 0.0, value, value).is_empty(), "{value}");
        }
        for value in [0.000_999_999_999, 0.0, -0.5, ABOVE_1].into_iter().chain(NOT_NUMBERS) {
            assert_eq!(fields(0.0, 0.0, value, 0.5), ["width"], "{value}");
            assert_eq!(fields(0.0, 0.0, 0.5, value), ["height"], "{value}");
        }
    }

    #[test]
    fn a_bounding_box_ends_within_the_image_up_to_a_tolerance_of_a_millionth() {
        for (start, side) in [(0.5, 0.5), (0.500_001, 0.5), (0.1, 0.900_001), (0.999_001, 0.001), (1e-6, 1.0)]
        {
            assert!(fields(start, start, side, side).is_empty(), "{start} + {side}");
        }
        assert_eq!(fields(0.500_002, 0.0, 0.5, 0.5), ["width"]);
        assert_eq!(fields(0.0, 0.500_002, 0.5, 0.5), ["height"]);
        assert_eq!(fields(1.0, 0.0, 0.001, 0.5), ["width"]);
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        assert_eq!(fields(-1.0, 0.7, 0.0, 0.7), ["x", "width", "height"]);
    }

    #[test]
    fn minus_zero_becomes_zero() {
        let area = NormalizedBox::new(-0.0, -0.0, 1.0, 1.0).unwrap();
        assert!(area.x().is_sign_positive() && area.y().is_sign_positive());
    }

    #[test]
    fn a_confidence_is_between_0_and_1() {
        for value in [0.0, 0.5, 1.0] {
            assert_eq!(Confidence::new("confidence", value).map(Confidence::get), Ok(value));
        }
        for value in [BELOW_0, ABOVE_1].into_iter().chain(NOT_NUMBERS) {
            let violation = Confidence::new("min_confidence", value).unwrap_err();
            assert_eq!(violation, Violation::new("min_confidence", "must be between 0 and 1"));
        }
    }
}
