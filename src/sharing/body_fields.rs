//! Fields of a JSON body, read without guessing.

use serde_json::{Map, Value};

use super::error::Error;

/// The fields of a body. An empty body is `{}`, `null` is absent, unknown fields are passed over.
#[derive(Debug)]
pub struct Fields {
    map: Map<String, Value>,
}

impl Fields {
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        if body.trim_ascii().is_empty() {
            return Ok(Self { map: Map::new() });
        }
        match serde_json::from_slice(body).map_err(Error::Body)? {
            Value::Object(map) => Ok(Self { map }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Error::BodyShape)
            }
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Numbers also as strings, as the reference server takes them.
    pub fn integer(&self, name: &'static str) -> Result<Option<i64>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        number.map(Some).ok_or_else(|| Error::parameter(name, "it has to be a whole number"))
    }

    pub fn not_negative(&self, name: &'static str) -> Result<Option<i64>, Error> {
        match self.integer(name)? {
            Some(number) if number < 0 => Err(Error::parameter(name, "it cannot be negative")),
            number => Ok(number),
        }
    }

    /// A string that is not empty.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Error::parameter(name, "it has to be a string"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    pub fn boolean(&self, name: &'static str) -> Result<bool, Error> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(Error::parameter(name, "it has to be true or false")),
        }
    }
}
