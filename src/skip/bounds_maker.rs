//! Typed bounds, made from the statistics of a block.

use std::cell::RefCell;
use std::sync::Arc;

use super::domain::Domain;
use super::facts::{Facts, StatisticsColumn};
use super::statistics::domain;
use super::template::Template;
use super::typed::file_bounds;
use crate::encode::json::unescape_into;
use crate::table::bounds::FileBounds;
use crate::table::bounds_column::BoundsColumn;
use crate::table::file_list::{Block, FileList};

/// Forms of statistics that are known at once: writers leave out columns that hold only nulls.
const TEMPLATES_MAX: usize = 8;
/// When that many are known, so many texts of other forms pass before one takes a place.
const OTHERS_BEFORE_NEXT: usize = 64;

thread_local! {
    /// A block is large, so each core has one.
    static BLOCK: RefCell<Block> = RefCell::default();
}

/// Makes the bounds of the same columns in block after block.
#[derive(Debug)]
pub(super) struct BoundsMaker {
    columns: Vec<StatisticsColumn>,
    templates: Vec<Template>,
    /// The template that fitted last.
    last: usize,
    /// Texts that fitted none.
    others_count: usize,
    /// Statistics, unescaped.
    text: Vec<u8>,
}

impl BoundsMaker {
    pub(super) fn new(columns: &[StatisticsColumn]) -> Self {
        let (columns, templates) = (columns.to_vec(), Vec::new());
        Self { columns, templates, last: 0, others_count: 0, text: Vec::new() }
    }

    /// Makes the bounds of block `index` and keeps them in `kept`, which has the columns in the same order. `block` is the
    /// block's number in its segment.
    pub(super) fn make(&mut self, files: &FileList, index: usize, block: usize, kept: &[Arc<BoundsColumn>]) {
        let mut bounds: Vec<Vec<FileBounds>> = vec![Vec::new(); self.columns.len()];
        BLOCK.with_borrow_mut(|unpacked| {
            for escaped in files.block_statistics(index, unpacked) {
                self.read(escaped, &mut bounds);
            }
        });
        for (column, bounds) in kept.iter().zip(&bounds) {
            column.keep(block, bounds);
        }
    }

    /// Adds what statistics say to the bounds of each column.
    fn read(&mut self, escaped: &[u8], bounds: &mut [Vec<FileBounds>]) {
        let Self { columns, templates, .. } = self;
        let is_clean = escaped.iter().fold(u8::MAX, |least, &byte| least.min(byte)) >= b' ';
        let usual = std::str::from_utf8(escaped).ok().filter(|_| is_clean);
        if let Some(usual) = usual {
            let order = (self.last..templates.len()).chain(0..self.last);
            for number in order {
                if let Some(facts) = templates.get(number).and_then(|template| template.read(usual)) {
                    self.last = number;
                    return push(columns, &facts, bounds);
                }
            }
        }
        self.text.clear();
        unescape_into(escaped, &mut self.text);
        let stats = std::str::from_utf8(&self.text).unwrap_or_default();
        push(columns, &Facts::read(columns, stats), bounds);
        if let Some(usual) = usual {
            self.learn(usual);
        }
    }

    fn learn(&mut self, usual: &str) {
        self.others_count += 1;
        let is_full = self.templates.len() >= TEMPLATES_MAX;
        if is_full && !self.others_count.is_multiple_of(OTHERS_BEFORE_NEXT) {
            return;
        }
        let Some(template) = Template::of(&self.columns, usual) else { return };
        if is_full {
            self.templates.pop();
        }
        self.templates.insert(0, template);
        self.last = 0;
    }
}

fn push(columns: &[StatisticsColumn], facts: &Facts<'_>, bounds: &mut [Vec<FileBounds>]) {
    for ((column, found), bounds) in columns.iter().zip(&facts.found).zip(bounds) {
        let domain = if facts.is_read { domain(column, found, facts.records) } else { Domain::ANY };
        bounds.push(file_bounds(&domain));
    }
}
