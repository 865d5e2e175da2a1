//! Generates the facts about the contract that tonic's and prost's code lacks: which methods need no token, which accept a
//! stream of requests, and where each request message has lists.

use std::{collections::BTreeMap, error::Error, fmt::Write as _};

use protox::prost_reflect::{DescriptorPool, Kind, MessageDescriptor, MethodDescriptor, Value};

/// The method option, and its field that is true if a request needs no token.
const METHOD_OPTION: &str = "reticle.http.v1.method";
const TOKEN_OPTIONAL: &str = "token_optional";

/// Generates the Rust code of `proto::facts`.
pub(crate) fn generate(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    write_token_optional(pool, &mut code)?;
    write_streamed(pool, &mut code)?;
    let mut shapes = Shapes::default();
    for service in pool.services() {
        for method in service.methods() {
            shapes.add_request(&method.input());
            shapes.add_response(&method.output());
        }
    }
    shapes.write(&mut code)?;
    Ok(code)
}

fn write_token_optional(pool: &DescriptorPool, code: &mut String) -> Result<(), Box<dyn Error>> {
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

fn write_streamed(pool: &DescriptorPool, code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(code, "/// The paths of the methods that accept a stream of requests.")?;
    writeln!(code, "pub(crate) const STREAMED: &[&str] = &[")?;
    for service in pool.services() {
        for method in service.methods().filter(MethodDescriptor::is_client_streaming) {
            writeln!(code, "    \"/{}/{}\",", service.full_name(), method.name())?;
        }
    }
    writeln!(code, "];\n")?;
    Ok(())
}

/// The messages of the contract's methods, and the fields of each request message that matter for counting its elements.
#[derive(Default)]
struct Shapes {
    /// By the full name of a message, its fields that are repeated or hold a message: number, whether it is repeated, message.
    fields: BTreeMap<String, Vec<(u32, bool, Option<String>)>>,
    requests: BTreeMap<String, MessageDescriptor>,
    responses: BTreeMap<String, MessageDescriptor>,
}

impl Shapes {
    fn add_request(&mut self, message: &MessageDescriptor) {
        self.add_fields(message);
        self.requests.insert(message.full_name().to_owned(), message.clone());
    }

    fn add_response(&mut self, message: &MessageDescriptor) {
        self.responses.insert(message.full_name().to_owned(), message.clone());
    }

    /// Adds the fields of a message and of all messages within it.
    fn add_fields(&mut self, message: &MessageDescriptor) {
        let name = message.full_name().to_owned();
        if self.fields.contains_key(&name) {
            return;
        }
        self.fields.insert(name.clone(), Vec::new());
        let mut fields = Vec::new();
        for field in message.fields() {
            let inner = match field.kind() {
                Kind::Message(inner) => {
                    self.add_fields(&inner);
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
            writeln!(code, "static {}: crate::bounds::Shape = crate::bounds::Shape(&[", static_name(name))?;
            for (number, is_repeated, message) in fields {
                let message = message
                    .as_ref()
                    .map_or("None".to_owned(), |name| format!("Some(&{})", static_name(name)));
                let field = format!("number: {number}, is_repeated: {is_repeated}, message: {message}");
                writeln!(code, "    crate::bounds::Field {{ {field} }},")?;
            }
            writeln!(code, "]);\n")?;
        }
        for (name, message) in &self.requests {
            write_impl(message, &format!("Some(&{})", static_name(name)), code)?;
        }
        for message in self.responses.iter().filter(|(name, _)| !self.requests.contains_key(*name)) {
            write_impl(message.1, "None", code)?;
        }
        Ok(())
    }
}

fn write_impl(message: &MessageDescriptor, shape: &str, code: &mut String) -> Result<(), Box<dyn Error>> {
    let package =
        message.package_name().strip_prefix("reticle.").ok_or("a message of a package outside `reticle`")?;
    let path = format!("crate::{}::{}", package.replace('.', "::"), message.name());
    writeln!(code, "impl crate::bounds::Bounded for {path} {{")?;
    writeln!(code, "    const SHAPE: Option<&'static crate::bounds::Shape> = {shape};")?;
    writeln!(code, "}}\n")?;
    Ok(())
}

/// The name of the static that holds a message's shape.
fn static_name(full_name: &str) -> String {
    full_name.replace('.', "_").to_uppercase()
}
