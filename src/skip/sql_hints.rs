//! `predicateHints`: conditions as SQL text.
//!
//! Old Spark clients send what Catalyst prints: parentheses around everything, backticks, casts. The grammar is
//! small, and what does not belong to it is passed over up to the next AND, OR or parenthesis. A parser for all of
//! SQL costs a minute of compiling, and its trees, as deep as a list of ORs is long, overflow the stack of a thread
//! when they are freed.

use super::domain::Operator;
use super::expression::{ColumnName, Constant, Expression, Operand, Type};
use super::sql_casts::{cast_operand, type_of};
use super::sql_tokens::{Sign, Token, tokens};
use crate::limits::{HINT_BYTES_MAX, HINT_DEPTH_MAX};

/// Reads a hint (Delta Sharing, "SQL Expressions for Predicate"); `None` if it is too long or makes no sense.
///
/// Conditions that are not understood become [`Expression::Unknown`] where they stand.
pub(super) fn parse(text: &str) -> Option<Expression> {
    if text.len() > HINT_BYTES_MAX {
        return None;
    }
    let mut parser = Parser { tokens: tokens(text)?, position: 0, depth: HINT_DEPTH_MAX };
    let item = parser.disjunction()?;
    parser.peek().is_none().then(|| item.into_condition())
}

/// What stands in a place where SQL takes any expression.
enum Item {
    Condition(Expression),
    Operand(Operand),
}

impl Item {
    fn into_condition(self) -> Expression {
        match self {
            Self::Condition(condition) => condition,
            Self::Operand(operand) => Expression::Holds(operand),
        }
    }

    fn into_operand(self) -> Operand {
        match self {
            Self::Condition(_) => Operand::Unknown,
            Self::Operand(operand) => operand,
        }
    }

    const UNKNOWN: Self = Self::Condition(Expression::Unknown);
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
    depth: usize,
}

/// Every method gives `None` when the rest of the hint makes no sense.
#[expect(clippy::wildcard_enum_match_arm, reason = "a token that does not fit is the same whatever it is")]
impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.position + 1)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get_mut(self.position)?;
        self.position += 1;
        Some(std::mem::replace(token, Token::Strange))
    }

    fn take_sign(&mut self, sign: Sign) -> bool {
        let is_next = self.peek() == Some(&Token::Sign(sign));
        self.position += usize::from(is_next);
        is_next
    }

    fn is_word(token: Option<&Token>, word: &str) -> bool {
        matches!(token, Some(Token::Word(text)) if text.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = Self::is_word(self.peek(), word);
        self.position += usize::from(is_next);
        is_next
    }

    fn disjunction(&mut self) -> Option<Item> {
        self.list("OR", Self::conjunction, Expression::Any)
    }

    fn conjunction(&mut self) -> Option<Item> {
        self.list("AND", Self::negation, Expression::All)
    }

    fn list(
        &mut self,
        word: &str,
        element: fn(&mut Self) -> Option<Item>,
        join: fn(Vec<Expression>) -> Expression,
    ) -> Option<Item> {
        let first = element(self)?;
        if !Self::is_word(self.peek(), word) {
            return Some(first);
        }
        let mut conditions = vec![first.into_condition()];
        while self.take_word(word) {
            conditions.push(element(self)?.into_condition());
        }
        Some(Item::Condition(join(conditions)))
    }

    fn negation(&mut self) -> Option<Item> {
        let mut is_negated = false;
        let mut is_condition = false;
        while self.take_word("NOT") {
            is_negated = !is_negated;
            is_condition = true;
        }
        let item = self.predicate()?;
        Some(match is_negated {
            true => Item::Condition(Expression::Not(Box::new(item.into_condition()))),
            false if is_condition => Item::Condition(item.into_condition()),
            false => item,
        })
    }

    fn predicate(&mut self) -> Option<Item> {
        let item = match self.primary()? {
            Item::Condition(Expression::Unknown) => Item::UNKNOWN,
            item => self.tail(item)?,
        };
        if self.is_at_end_of_condition() {
            return Some(item);
        }
        self.pass_over()?;
        Some(Item::UNKNOWN)
    }

    fn is_at_end_of_condition(&self) -> bool {
        match self.peek() {
            None | Some(Token::Sign(Sign::Close | Sign::Comma)) => true,
            token => Self::is_word(token, "AND") || Self::is_word(token, "OR"),
        }
    }

    /// Goes to the end of a condition that is not understood. Some have an AND inside that joins no conditions.
    fn pass_over(&mut self) -> Option<()> {
        while !self.is_at_end_of_condition() {
            if Self::is_word(self.peek(), "BETWEEN") || Self::is_word(self.peek(), "CASE") {
                return None;
            }
            if self.take_sign(Sign::Open) {
                self.close()?;
            } else {
                self.position += 1;
            }
        }
        Some(())
    }

    /// Goes behind the parenthesis that closes the one just opened.
    fn close(&mut self) -> Option<()> {
        let mut open = 1_usize;
        while open > 0 {
            match self.next()? {
                Token::Sign(Sign::Open) => open += 1,
                Token::Sign(Sign::Close) => open -= 1,
                _ => {}
            }
        }
        Some(())
    }

    /// What is said of the operand just read.
    fn tail(&mut self, item: Item) -> Option<Item> {
        if let Some(condition) = self.comparison_sign() {
            let left = item.into_operand();
            let right = self.primary()?.into_operand();
            return Some(Item::Condition(condition(left, right)));
        }
        if self.take_word("IS") {
            let is_negated = self.take_word("NOT");
            let left = item.into_operand();
            if !self.take_word("NULL") {
                return Some(Item::UNKNOWN);
            }
            return Some(negated_if(is_negated, Expression::IsNull(left)));
        }
        let is_negated = Self::is_word(self.peek(), "NOT");
        let word = if is_negated { self.peek_second() } else { self.peek() };
        if Self::is_word(word, "IN") {
            self.position += 1 + usize::from(is_negated);
            return self.members(&item.into_operand(), is_negated);
        }
        if Self::is_word(word, "BETWEEN") {
            self.position += 1 + usize::from(is_negated);
            return self.between(item.into_operand(), is_negated);
        }
        Some(item)
    }

    fn comparison_sign(&mut self) -> Option<fn(Operand, Operand) -> Expression> {
        let Some(Token::Sign(sign)) = self.peek() else { return None };
        let condition: fn(Operand, Operand) -> Expression = match sign {
            Sign::Equal => |left, right| Expression::Compare { operator: Operator::Equal, left, right },
            Sign::NotEqual => |left, right| {
                let equal = Expression::Compare { operator: Operator::Equal, left, right };
                Expression::Not(Box::new(equal))
            },
            Sign::Less => |left, right| Expression::Compare { operator: Operator::Less, left, right },
            Sign::LessOrEqual => {
                |left, right| Expression::Compare { operator: Operator::LessOrEqual, left, right }
            }
            Sign::Greater => |left, right| Expression::Compare { operator: Operator::Greater, left, right },
            Sign::GreaterOrEqual => {
                |left, right| Expression::Compare { operator: Operator::GreaterOrEqual, left, right }
            }
            Sign::Same => |left, right| Expression::Same { left, right },
            Sign::Open | Sign::Close | Sign::Comma | Sign::Dot | Sign::Minus | Sign::Plus => return None,
        };
        self.position += 1;
        Some(condition)
    }

    /// The list behind IN.
    fn members(&mut self, left: &Operand, is_negated: bool) -> Option<Item> {
        if !self.take_sign(Sign::Open) {
            return None;
        }
        let mut any = Vec::new();
        loop {
            let right = self.primary()?.into_operand();
            any.push(Expression::Compare { operator: Operator::Equal, left: left.clone(), right });
            if self.take_sign(Sign::Close) {
                return Some(negated_if(is_negated, Expression::Any(any)));
            }
            if !self.take_sign(Sign::Comma) {
                self.close()?;
                return Some(Item::UNKNOWN);
            }
        }
    }

    fn between(&mut self, left: Operand, is_negated: bool) -> Option<Item> {
        let low = self.primary()?.into_operand();
        if !self.take_word("AND") {
            return None;
        }
        let high = self.primary()?.into_operand();
        // Behind a longer expression the AND may have been another one.
        if !self.is_at_end_of_condition() {
            return None;
        }
        let at_least =
            Expression::Compare { operator: Operator::GreaterOrEqual, left: left.clone(), right: low };
        let at_most = Expression::Compare { operator: Operator::LessOrEqual, left, right: high };
        Some(negated_if(is_negated, Expression::All(vec![at_least, at_most])))
    }

    fn primary(&mut self) -> Option<Item> {
        self.depth = self.depth.checked_sub(1)?;
        let item = self.primary_within_depth();
        self.depth += 1;
        item
    }

    fn primary_within_depth(&mut self) -> Option<Item> {
        if self.is_at_end_of_condition() {
            return None;
        }
        let operand = match self.next()? {
            Token::Sign(Sign::Open) => return self.parenthesis(),
            Token::Sign(sign @ (Sign::Minus | Sign::Plus)) => match self.next()? {
                Token::Number(number) if sign == Sign::Minus => {
                    Operand::Constant(Constant::Number(format!("-{number}")))
                }
                Token::Number(number) => Operand::Constant(Constant::Number(number)),
                _ => return Some(Item::UNKNOWN),
            },
            Token::Number(number) => Operand::Constant(Constant::Number(number)),
            Token::Text(text) => Operand::Constant(Constant::Text(text)),
            Token::Quoted(name) => self.column(name)?,
            Token::Word(word) => return self.word(word),
            Token::Strange | Token::Sign(_) => return Some(Item::UNKNOWN),
        };
        Some(Item::Operand(operand))
    }

    fn parenthesis(&mut self) -> Option<Item> {
        let item = self.disjunction()?;
        if self.take_sign(Sign::Close) {
            return Some(item);
        }
        self.close()?;
        Some(Item::Operand(Operand::Unknown))
    }

    fn word(&mut self, word: String) -> Option<Item> {
        let upper = word.to_ascii_uppercase();
        if let Some(Token::Text(text)) = self.peek() {
            let constant: fn(String) -> Constant = match upper.as_str() {
                "DATE" => Constant::Date,
                "TIMESTAMP" | "TIMESTAMP_LTZ" => Constant::Timestamp,
                "TIMESTAMP_NTZ" => Constant::TimestampNtz,
                _ => return Some(Item::UNKNOWN),
            };
            let text = text.clone();
            self.position += 1;
            return Some(Item::Operand(Operand::Constant(constant(text))));
        }
        let operand = match upper.as_str() {
            "TRUE" => Operand::Constant(Constant::Boolean(true)),
            "FALSE" => Operand::Constant(Constant::Boolean(false)),
            "NULL" => Operand::Constant(Constant::Null),
            "CASE" | "BETWEEN" | "IN" | "IS" | "LIKE" | "NOT" => return None,
            _ if self.take_sign(Sign::Open) => return self.call(&upper),
            _ => self.column(word)?,
        };
        Some(Item::Operand(operand))
    }

    fn column(&mut self, first: String) -> Option<Operand> {
        let mut parts = vec![first];
        while self.take_sign(Sign::Dot) {
            match self.next()? {
                Token::Word(name) | Token::Quoted(name) => parts.push(name),
                _ => return Some(Operand::Unknown),
            }
        }
        Some(Operand::Column { name: ColumnName::Parts(parts), cast: None })
    }

    /// A function, whose opening parenthesis has been taken.
    fn call(&mut self, name: &str) -> Option<Item> {
        match name {
            "CAST" => return self.cast(),
            "ISNULL" | "ISNOTNULL" => {
                let operand = self.primary()?.into_operand();
                if self.take_sign(Sign::Close) {
                    return Some(negated_if(name == "ISNOTNULL", Expression::IsNull(operand)));
                }
            }
            _ => {}
        }
        self.close()?;
        Some(Item::Operand(Operand::Unknown))
    }

    fn cast(&mut self) -> Option<Item> {
        let operand = self.primary()?.into_operand();
        let mut type_name = String::new();
        let is_plain = self.take_word("AS");
        while !self.take_sign(Sign::Close) {
            match self.next()? {
                Token::Word(word) => type_name.push_str(&word.to_ascii_lowercase()),
                Token::Number(number) => type_name.push_str(&number),
                Token::Sign(Sign::Comma) => type_name.push(','),
                Token::Sign(Sign::Open) => {
                    type_name.push('(');
                    // The parenthesis that closes it is the next one.
                    while !self.take_sign(Sign::Close) {
                        match self.next()? {
                            Token::Number(number) => type_name.push_str(&number),
                            Token::Sign(Sign::Comma) => type_name.push(','),
                            _ => return None,
                        }
                    }
                    type_name.push(')');
                }
                _ => return None,
            }
        }
        let target = if is_plain { type_of(&type_name) } else { Type::Opaque };
        Some(Item::Operand(cast_operand(operand, target)))
    }
}

fn negated_if(is_negated: bool, condition: Expression) -> Item {
    Item::Condition(if is_negated { Expression::Not(Box::new(condition)) } else { condition })
}
