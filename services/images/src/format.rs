//! The image formats: detection by first bytes, and media types.

/// A raster format that the service stores. SVG is not included: it is a document that can contain scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    Bmp,
    Tiff,
    Avif,
}

/// Why the format of an upload is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsupported {
    #[error(
        "The image must be JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF. Its first bytes match none of these formats."
    )]
    Bytes,
    #[error(
        "The declared content type must be image/* (but not image/svg+xml) or application/octet-stream, or be left out"
    )]
    Declared,
    #[error("The declared content type does not match the bytes, which are {}", .0.media_type())]
    Mismatch(Format),
}

impl Format {
    /// How many of the first bytes [`Self::sniff`] reads.
    pub(crate) const SNIFFED_BYTES: usize = 64;

    const ALL: [Self; 7] = [Self::Jpeg, Self::Png, Self::Gif, Self::WebP, Self::Bmp, Self::Tiff, Self::Avif];

    /// Detects the format of a file from its beginning, `bytes`, which must be at least [`Self::SNIFFED_BYTES`] long or the
    /// whole file. It reads no more bytes than these, so that the result does not depend on how the bytes arrive.
    pub(crate) fn sniff(bytes: &[u8]) -> Result<Self, Unsupported> {
        let bytes = bytes.get(..Self::SNIFFED_BYTES).unwrap_or(bytes);
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            // 42 is the version of TIFF, 43 that of BigTIFF.
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(Self::Tiff),
            [b'B', b'M', ..] if has_bitmap_header(bytes) => Ok(Self::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] if has_avif_brand(bytes) => Ok(Self::Avif),
            _ => Err(Unsupported::Bytes),
        }
    }

    /// The media type of images in this format.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Avif => "image/avif",
        }
    }

    /// The format with this media type, exactly as [`Self::media_type`] returns it.
    pub(crate) fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type() == media_type)
    }

    /// The usual file extension.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Avif => "avif",
        }
    }

    /// Whether `extension` belongs to this format. Case-insensitive.
    pub(crate) fn has_extension(self, extension: &str) -> bool {
        let others: &[&str] = match self {
            Self::Jpeg => &["jpeg", "jpe", "jfif"],
            Self::Png => &["apng"],
            Self::Bmp => &["dib"],
            Self::Tiff => &["tif"],
            Self::Avif => &["avifs"],
            Self::Gif | Self::WebP => &[],
        };
        let names = others.iter().copied().chain([self.extension()]);
        names.into_iter().any(|name| name.eq_ignore_ascii_case(extension))
    }

    /// Whether `extension` belongs to any of the formats.
    pub(crate) fn is_extension(extension: &str) -> bool {
        Self::ALL.into_iter().any(|format| format.has_extension(extension))
    }
}

/// Text can begin with `BM` too. A bitmap has the size of its second header at offset 14, and only a few sizes exist.
fn has_bitmap_header(bytes: &[u8]) -> bool {
    let size = bytes.get(14..18).map(|size| size.iter().rev().fold(0_u32, |n, &b| n << 8 | u32::from(b)));
    matches!(size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// An ISO base media file is AVIF only if it has an AVIF brand; HEIC files have other brands.
fn has_avif_brand(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length));
    let end = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
    let brands = bytes.get(8..end).unwrap_or_default().chunks_exact(4);
    // The second word is the version of the major brand.
    brands.enumerate().any(|(index, brand)| index != 1 && matches!(brand, b"avif" | b"avis"))
}

/// The format that a client declared for an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    /// No known format: it is detected from the bytes.
    Anything,
    /// An image of this format.
    Format(Format),
}

impl Declared {
    /// Decodes a declared media type; its case and its parameters do not matter. Many programs use nonstandard types for
    /// common formats (`image/x-citrix-jpeg`), so for an unknown type the bytes decide. SVG is rejected.
    pub(crate) fn parse(media_type: &str) -> Result<Self, Unsupported> {
        let essence = media_type.split(';').next().unwrap_or_default();
        // The white space that HTTP allows around field values (RFC 9110 section 5.6.3).
        let essence = essence.trim_matches([' ', '\t']).to_ascii_lowercase();
        Ok(Self::Format(match essence.as_str() {
            "" | "application/octet-stream" | "binary/octet-stream" => return Ok(Self::Anything),
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Format::Jpeg,
            "image/png" | "image/x-png" | "image/apng" => Format::Png,
            "image/gif" => Format::Gif,
            "image/webp" => Format::WebP,
            "image/bmp" | "image/x-bmp" | "image/x-ms-bmp" => Format::Bmp,
            "image/tiff" | "image/tif" | "image/x-tiff" => Format::Tiff,
            "image/avif" | "image/avif-sequence" => Format::Avif,
            "image/" | "image/svg+xml" => return Err(Unsupported::Declared),
            other if other.starts_with("image/") => return Ok(Self::Anything),
            _ => return Err(Unsupported::Declared),
        }))
    }

    /// Returns the detected format `found` if it matches the declared one.
    pub(crate) fn check(self, found: Format) -> Result<Format, Unsupported> {
        match self {
            Self::Format(declared) if declared != found => Err(Unsupported::Mismatch(found)),
            Self::Format(_) | Self::Anything => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitmap(header: u8) -> Vec<u8> {
        [b"BM".as_slice(), &[0; 12], &[header, 0, 0, 0], &[0; 8]].concat()
    }

    #[test]
    fn formats_are_detected_from_their_first_bytes() {
        let files: [(&[u8], Format); 12] = [
            (b"\xff\xd8\xff\xe0", Format::Jpeg),
            (b"\x89PNG\r\n\x1a\n", Format::Png),
            (b"GIF87a", Format::Gif),
            (b"GIF89a", Format::Gif),
            (b"RIFF\0\0\0\0WEBPVP8 ", Format::WebP),
            (b"II*\0", Format::Tiff),
            (b"MM\0*", Format::Tiff),
            (b"II+\0", Format::Tiff),
            (b"MM\0+", Format::Tiff),
            (&bitmap(40), Format::Bmp),
            (b"\0\0\0\x14ftypavif\0\0\0\0mif1", Format::Avif),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Format::Avif),
        ];
        for (bytes, format) in files {
            assert_eq!(Format::sniff(bytes), Ok(format), "{bytes:?}");
        }
    }

    #[test]
    fn all_other_bytes_are_rejected() {
        let files: [&[u8]; 12] = [
            b"",
            b"\xff\xd8",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<?xml version='1.0'?><svg/>",
            b"<!doctype html><script>alert(1)</script>",
            b"%PDF-1.7",
            b"BMW is a maker of cars and of motorcycles",
            b"RIFF\0\0\0\0WAVEfmt ",
            b"\0\0\0\x14ftypheic\0\0\0\0mif1",
            b"\0\0\0\x10ftypmif1avifavif",
            b"GIF88a",
            &bitmap(41),
        ];
        for bytes in files {
            assert_eq!(Format::sniff(bytes), Err(Unsupported::Bytes), "{bytes:?}");
        }
    }

    #[test]
    fn a_brand_counts_only_within_the_sniffed_bytes() {
        let ftyp = |others: usize| {
            let brands = [b"ftypmif1\0\0\0\0".as_slice(), &b"mif1".repeat(others), b"avif"].concat();
            [[0, 0, 1, 0].as_slice(), &brands].concat()
        };
        let (last, late) = (ftyp(11), ftyp(12));
        assert_eq!(last.len(), Format::SNIFFED_BYTES);
        assert_eq!(Format::sniff(&last), Ok(Format::Avif));
        assert_eq!(Format::sniff(&late), Err(Unsupported::Bytes));
    }

    #[test]
    fn the_usual_spellings_of_a_media_type_are_accepted() {
        for text in ["image/jpeg", "image/jpg", "IMAGE/JPEG; q=1", " image/pjpeg "] {
            assert_eq!(Declared::parse(text), Ok(Declared::Format(Format::Jpeg)), "{text}");
        }
        for text in [
            "",
            "application/octet-stream",
            "binary/octet-stream",
            "image/*",
            "image/x-citrix-jpeg",
            "image/heic",
        ] {
            assert_eq!(Declared::parse(text), Ok(Declared::Anything), "{text}");
        }
        for format in Format::ALL {
            assert_eq!(Declared::parse(format.media_type()), Ok(Declared::Format(format)));
            assert_eq!(Format::from_media_type(format.media_type()), Some(format));
        }
    }

    #[test]
    fn unsupported_media_types_are_rejected() {
        for text in ["image/svg+xml", "text/html", "video/mp4", "image", "image/", "\u{3000}image/png"] {
            assert_eq!(Declared::parse(text), Err(Unsupported::Declared), "{text}");
        }
    }

    #[test]
    fn a_declared_type_must_match_the_bytes() {
        let declared = Declared::Format(Format::Png);
        assert_eq!(declared.check(Format::Png), Ok(Format::Png));
        assert_eq!(declared.check(Format::Jpeg), Err(Unsupported::Mismatch(Format::Jpeg)));
        assert_eq!(Declared::Anything.check(Format::Jpeg), Ok(Format::Jpeg));
    }
}
