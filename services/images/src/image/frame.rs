//! The orientation and the dimensions of an upright image. Coordinates of annotations are relative to these dimensions.

/// How to turn the stored pixels so that the image is upright: the value of EXIF tag 274, 1 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    /// The stored pixels are upright.
    pub(crate) const UPRIGHT: Self = Self(1);

    /// The orientation with this tag value; `None` if the value is invalid.
    pub(crate) fn from_tag(tag: impl TryInto<u8>) -> Option<Self> {
        tag.try_into().ok().filter(|tag| (1..=8).contains(tag)).map(Self)
    }

    /// The tag value.
    pub(crate) const fn tag(self) -> u8 {
        self.0
    }

    /// Whether the image needs a quarter turn to be upright, so that the stored width is the upright height.
    const fn swaps_sides(self) -> bool {
        self.0 >= 5
    }
}

/// Width and height of the upright image in pixels, each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dimensions {
    pub(crate) width: i32,
    pub(crate) height: i32,
}

impl Dimensions {
    /// The upright dimensions of `width` × `height` stored pixels; `None` if a side is 0 or exceeds `i32`.
    pub(crate) fn upright(width: u32, height: u32, orientation: Orientation) -> Option<Self> {
        let (width, height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
        Self::new(width, height)
    }

    /// `width` × `height` pixels that are already upright; `None` if a side is 0 or exceeds `i32`.
    pub(crate) fn new(width: impl TryInto<i32>, height: impl TryInto<i32>) -> Option<Self> {
        let size = Self { width: width.try_into().ok()?, height: height.try_into().ok()? };
        (size.width >= 1 && size.height >= 1).then_some(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientations_5_to_8_swap_the_sides() {
        let sides = |tag: u8| {
            let size = Dimensions::upright(40, 30, Orientation::from_tag(tag).unwrap()).unwrap();
            (size.width, size.height)
        };
        assert_eq!([1, 2, 3, 4].map(sides), [(40, 30); 4]);
        assert_eq!([5, 6, 7, 8].map(sides), [(30, 40); 4]);
    }

    #[test]
    fn other_tag_values_are_invalid() {
        assert_eq!([0_u16, 9, 256, 65_535].map(Orientation::from_tag), [None; 4]);
    }

    #[test]
    fn a_side_has_at_least_one_pixel_and_fits_into_i32() {
        assert_eq!(Dimensions::new(0_u32, 1), None);
        assert_eq!(Dimensions::new(1, 1_u32 << 31), None);
        assert_eq!(Dimensions::new(60_000, 60_001), Some(Dimensions { width: 60_000, height: 60_001 }));
    }
}
