//! Writes what the generated code does not say of the contract: which methods need no token, which take a stream, and where
//! the lists of each request message are.

use std::{collections::BTreeMap, error::Error, fmt::Write as _};

use protox::prost_reflect::{DescriptorPool, Kind, MessageDescriptor, MethodDescriptor, Value};

/// The extension of a method, and its field that says that a request needs no token.
const METHOD_OPTION: &str = "reticle.http.v1.method";
const TOKEN_OPTIONAL: &str = "token_optional";

/// The Rust code of `proto::facts`.
pub(crate) fn write(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    token_optional(pool, &mut code)?;
    streamed(pool, &mut code)?;
    let mut shapes = Shapes::default();
    for service in pool.services() {
        for method in service.methods() {
            shapes.request(&method.input());
            shapes.response(&method.output());
        }
    }
    shapes.write(&mut code)?;
    Ok(code)
}

fn token_optional(pool: &DescriptorPool, code: &mut String) -> Result<(), Box<dyn Error>> {
    let option = pool.get_extension_by_name(METHOD_OPTION).ok_or("the contract has no method option")?;
    writeln!(code, "/// The paths of the methods that may be called without a token.")?;
    writeln!(code, "pub const TOKEN_OPTIONAL: &[&str] = &[")?;
    for service in pool.services() {
        for method in service.methods() {
            let options = method.options();
            let is_optional = match &*options.get_extension(&option) {
                Value::Message(option) => option
                    .get_field_by_name(TOKEN_OPTIONAL)
                    .is_some_and(|value| value.as_bool() == Some(true)),
                _ => false,
            };
            if is_optional {
                writeln!(code, "    \"/{}/{}\",", service.full_name(), method.name())?;
            }
        }
    }
    writeln!(code, "];\n")?;
    Ok(())
}

fn streamed(pool: &DescriptorPool, code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(code, "/// The paths of the methods that take a stream of requests.")?;
    writeln!(code, "pub(crate) const STREAMED: &[&str] = &[")?;
    for service in pool.services() {
        for method in service.methods().filter(MethodDescriptor::is_client_streaming) {
            writeln!(code, "    \"/{}/{}\",", service.full_name(), method.name())?;
        }
    }
    writeln!(code, "];\n")?;
    Ok(())
}

/// The messages of the contract's methods, and those within requests that have lists.
#[derive(Default)]
struct Shapes {
    /// The fields that matter of each message, by its full name.
    fields: BTreeMap<String, Vec<(u32, bool, Option<String>)>>,
    requests: BTreeMap<String, MessageDescriptor>,
    responses: BTreeMap<String, MessageDescriptor>,
}

impl Shapes {
    fn request(&mut self, message: &MessageDescriptor) {
        self.read(message);
        self.requests.insert(message.full_name().to_owned(), message.clone());
    }

    fn response(&mut self, message: &MessageDescriptor) {
        self.responses.insert(message.full_name().to_owned(), message.clone());
    }

    /// Reads the fields of a message and of all messages within it.
    fn read(&mut self, message: &MessageDescriptor) {
        let name = message.full_name().to_owned();
        if self.fields.contains_key(&name) {
            return;
        }
        self.fields.insert(name.clone(), Vec::new());
        let mut fields = Vec::new();
        for field in message.fields() {
            let inner = match field.kind() {
                Kind::Message(inner) => {
                    self.read(&inner);
                    Some(inner.full_name().to_owned())
                }
                _ => None,
            };
            let is_repeated = field.is_list() || field.is_map();
            if is_repeated || inner.is_some() {
                fields.push((field.number(), is_repeated, inner));
            }
        }
        self.fields.insert(name, fields);
    }

    fn write(&self, code: &mut String) -> Result<(), Box<dyn Error>> {
        for (name, fields) in &self.fields {
            writeln!(code, "static {}: crate::bounds::Shape = crate::bounds::Shape(&[", constant(name))?;
            for (number, is_repeated, message) in fields {
                let message =
                    message.as_ref().map_or("None".to_owned(), |name| format!("Some(&{})", constant(name)));
                let field = format!("number: {number}, is_repeated: {is_repeated}, message: {message}");
                writeln!(code, "    crate::bounds::Field {{ {field} }},")?;
            }
            writeln!(code, "]);\n")?;
        }
        for (name, message) in &self.requests {
            implement(message, &format!("Some(&{})", constant(name)), code)?;
        }
        for message in self.responses.iter().filter(|(name, _)| !self.requests.contains_key(*name)) {
            implement(message.1, "None", code)?;
        }
        Ok(())
    }
}

fn implement(message: &MessageDescriptor, shape: &str, code: &mut String) -> Result<(), Box<dyn Error>> {
    let package = message.package_name().strip_prefix("reticle.").ok_or("a message of a strange package")?;
    let path = format!("crate::{}::{}", package.replace('.', "::"), message.name());
    writeln!(code, "impl crate::bounds::Bounded for {path} {{")?;
    writeln!(code, "    const SHAPE: Option<&'static crate::bounds::Shape> = {shape};")?;
    writeln!(code, "}}\n")?;
    Ok(())
}

/// The name of a message's static.
fn constant(full_name: &str) -> String {
    full_name.replace('.', "_").to_uppercase()
}
