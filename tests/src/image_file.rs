//! Image files for tests, made by a real encoder.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

/// An encoded image and its media type.
#[derive(Clone, Debug)]
pub struct ImageFile {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
}

impl ImageFile {
    /// A PNG of that size.
    #[must_use]
    pub fn png(width: u32, height: u32) -> Self {
        Self::encode(width, height, ImageFormat::Png, "image/png")
    }

    /// A JPEG of that size.
    #[must_use]
    pub fn jpeg(width: u32, height: u32) -> Self {
        Self::encode(width, height, ImageFormat::Jpeg, "image/jpeg")
    }

    /// A PNG file of `size` bytes: zeros follow the image, and readers ignore them.
    #[must_use]
    pub fn of_size(size: usize) -> Self {
        let mut file = Self::png(16, 16);
        file.bytes.resize(size, 0);
        file
    }

    /// A PNG whose header declares that size, without pixels.
    #[must_use]
    pub fn png_header(width: u32, height: u32) -> Vec<u8> {
        let mut header = b"IHDR".to_vec();
        header.extend(width.to_be_bytes());
        header.extend(height.to_be_bytes());
        header.extend([8, 2, 0, 0, 0]);
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        bytes.extend(&header);
        bytes.extend(crc32(&header).to_be_bytes());
        bytes.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
        bytes
    }

    /// This JPEG with an EXIF orientation (tag 274), as cameras write it.
    #[must_use]
    pub fn with_orientation(mut self, orientation: u8) -> Self {
        let mut exif = b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        self.bytes.splice(2..2, exif);
        self
    }

    fn encode(width: u32, height: u32, format: ImageFormat, content_type: &'static str) -> Self {
        let mut bytes = Cursor::new(Vec::new());
        let written = DynamicImage::new_rgb8(width, height).write_to(&mut bytes, format);
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        Self { bytes: bytes.into_inner(), content_type }
    }
}

/// The checksum of a PNG chunk (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}
