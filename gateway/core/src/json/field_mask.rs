//! The text form of `google.protobuf.FieldMask`: paths in lower camel case with commas between.

/// The path in snake case. One that is so already stays as it is, as both spellings of a name are read.
pub(super) fn to_snake_case(path: &str) -> String {
    let mut snake = String::with_capacity(path.len() + 4);
    for character in path.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// The path in lower camel case; none if it would not come back.
pub(super) fn to_camel_case(path: &str) -> Option<String> {
    let mut camel = String::with_capacity(path.len());
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '_' => camel.push(characters.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            'A'..='Z' => return None,
            other => camel.push(other),
        }
    }
    Some(camel)
}

#[cfg(test)]
mod tests {
    use super::{to_camel_case, to_snake_case};

    #[test]
    fn paths_come_back() {
        for (snake, camel) in
            [("", ""), ("label", "label"), ("image.created_at", "image.createdAt"), ("a_b_c", "aBC")]
        {
            assert_eq!(to_camel_case(snake).as_deref(), Some(camel));
            assert_eq!(to_snake_case(camel), snake);
        }
        assert_eq!(to_snake_case("created_at"), "created_at");
    }

    #[test]
    fn paths_that_camel_case_cannot_say_are_refused() {
        for path in ["createdAt", "a_1", "a_", "a__b", "a_B"] {
            assert_eq!(to_camel_case(path), None, "{path}");
        }
    }
}
