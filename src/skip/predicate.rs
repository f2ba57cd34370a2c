//! All hints of a query as one condition, asked of files.

use super::columns::Columns;
use super::compile::{Compiler, Node};
use super::domain::Domain;
use super::facts::StatisticsColumn;
use super::hints::Hints;
use super::partition::{self, PartitionColumn};
use super::partition_facts::KnownFacts;
use super::statistics;
use super::truth::Truth;
use super::{json_hints, sql_hints};
use crate::table::partition_text;
use crate::table::snapshot::Metadata;

/// The hints of a query, bound to the columns of a table version.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    node: Node,
    partition_columns: Vec<PartitionColumn>,
    statistics_columns: Vec<StatisticsColumn>,
    leaf_count: usize,
    ignored_count: usize,
}

impl Predicate {
    /// Reads the hints. What cannot be used is left out, and counted.
    pub fn compile(hints: &Hints, metadata: &Metadata) -> Self {
        let mut compiler = Compiler::new(Columns::new(metadata));
        let mut nodes = Vec::new();
        let json = hints.json.iter().map(|text| (text, json_hints::parse as fn(&str) -> _));
        let sql = hints.sql.iter().map(|text| (text, sql_hints::parse as fn(&str) -> _));
        for (text, parse) in json.chain(sql) {
            let expression = if compiler.is_full() { None } else { parse(text) };
            if let Some(expression) = expression {
                nodes.push(compiler.compile(&expression));
            } else {
                compiler.leaf_count += 1;
                compiler.ignored_count += 1;
            }
        }
        Self {
            node: Node::All(nodes),
            partition_columns: compiler.partition_columns,
            statistics_columns: compiler.statistics_columns,
            leaf_count: compiler.leaf_count,
            ignored_count: compiler.ignored_count,
        }
    }

    /// Whether a file may hold a wanted row, as far as the text of its partition tells.
    pub fn may_match_partition(&self, text: &[u8]) -> bool {
        let domains = self.partition_domains(partition_text::json(text));
        let facts = KnownFacts::default().domains(&self.statistics_columns, text);
        self.ask_partition(&domains, &facts).can_be_true
    }

    /// Conditions in the hints; a hint that could not be read is one.
    pub fn condition_count(&self) -> usize {
        self.leaf_count
    }

    /// Conditions of which nothing could be made.
    pub fn ignored_count(&self) -> usize {
        self.ignored_count
    }

    /// Whether no file can be left out.
    pub fn is_idle(&self) -> bool {
        self.leaf_count == self.ignored_count
    }

    pub(super) fn needs_statistics(&self) -> bool {
        !self.statistics_columns.is_empty()
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn statistics_columns(&self) -> &[StatisticsColumn] {
        &self.statistics_columns
    }

    pub(super) fn partition_domains(&self, partition_values_json: &[u8]) -> Vec<Domain<'static>> {
        if self.partition_columns.is_empty() {
            return Vec::new();
        }
        partition::domains(&self.partition_columns, partition_values_json)
    }

    /// What the condition can be, as far as partition values tell, and facts that they stand for.
    pub(super) fn ask_partition(&self, partition: &[Domain<'_>], facts: &[Domain<'_>]) -> Truth {
        self.node.evaluate(partition, facts)
    }

    /// What the condition can be in a file with these statistics.
    pub(super) fn ask_file(&self, partition: &[Domain<'_>], stats: &str) -> Truth {
        self.node.evaluate(partition, &statistics::domains(&self.statistics_columns, stats))
    }
}
