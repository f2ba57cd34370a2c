//! Which files of a block can match, by typed bounds.

use std::sync::Arc;

use super::bounds_maker::BoundsMaker;
use super::domain::Domain;
use super::facts::StatisticsColumn;
use super::predicate::Predicate;
use super::typed::{Column, Known};
use crate::limits::HINT_TYPED_COLUMNS_MAX;
use crate::table::bounds::{BlockBounds, Certainty};
use crate::table::bounds_column::BoundsColumn;
use crate::table::file::File;
use crate::table::file_list::FileList;
use crate::table::row_mask::RowMask;

/// The typed columns of a predicate, and what they say of the block at hand.
#[derive(Debug)]
pub(super) struct BlockMasks {
    columns: Vec<StatisticsColumn>,
    /// What tells each apart from the other columns of a segment.
    names: Vec<String>,
    maker: BoundsMaker,
    segment: Option<usize>,
    /// The columns of that segment.
    kept: Vec<Arc<BoundsColumn>>,
    is_segment_refused: bool,
    answer: Option<Answer>,
    /// Blocks whose bounds were made.
    pub(super) made_count: usize,
}

/// What is said of a block.
#[derive(Debug)]
struct Answer {
    segment: usize,
    first_row: usize,
    perhaps: RowMask,
    surely: RowMask,
}

impl BlockMasks {
    pub(super) fn new(predicate: &Predicate) -> Self {
        let columns = predicate.statistics_columns();
        let columns = columns.get(..HINT_TYPED_COLUMNS_MAX.min(columns.len())).unwrap_or_default();
        Self {
            columns: columns.to_vec(),
            names: columns.iter().map(|column| format!("{:?} {:?}", column.data_type, column.path)).collect(),
            maker: BoundsMaker::new(columns),
            segment: None,
            kept: Vec::new(),
            is_segment_refused: false,
            answer: None,
            made_count: 0,
        }
    }

    /// The files of block `index` that can hold a wanted row, if their partition values leave it open; `partition` has these if
    /// they are the same for all.
    pub(super) fn ask(
        &mut self,
        predicate: &Predicate,
        files: &FileList,
        index: usize,
        partition: Option<&[Domain<'static>]>,
    ) -> &RowMask {
        self.answer = None;
        let Some((segment, block)) = files.place_of_block(index) else { return &RowMask::None };
        if self.segment != Some(segment) {
            self.enter(predicate, files, segment);
        }
        if self.is_segment_refused {
            return &RowMask::None;
        }
        if self.kept.iter().any(|column| column.block(block).is_none()) {
            self.maker.make(files, index, block, &self.kept);
            self.made_count += 1;
        }
        let columns = self.known(|column| column.block(block));
        let known = Known { partition, columns: &columns };
        let perhaps = known.can_be_true(predicate.node(), Certainty::Perhaps);
        let surely = match perhaps {
            RowMask::None => RowMask::None,
            RowMask::All | RowMask::Rows(_) => known.can_be_true(predicate.node(), Certainty::Surely),
        };
        let answer = Answer { segment, first_row: files.first_row(index), perhaps, surely };
        &self.answer.insert(answer).perhaps
    }

    /// Whether a file whose partition values leave it open can hold a wanted row; `None` if its statistics' text has to be
    /// asked.
    pub(super) fn of_file(&self, file: &File<'_>) -> Option<bool> {
        let answer = self.answer.as_ref().filter(|answer| answer.segment == file.partition.segment)?;
        let row = file.row.checked_sub(answer.first_row)?;
        if answer.surely.contains(row) {
            return Some(true);
        }
        (!answer.perhaps.contains(row)).then_some(false)
    }

    fn enter(&mut self, predicate: &Predicate, files: &FileList, segment: usize) {
        self.segment = Some(segment);
        self.kept = self.names.iter().filter_map(|name| files.bounds_column(segment, name)).collect();
        let columns = self.known(BoundsColumn::joined);
        let known = Known { partition: None, columns: &columns };
        let can_be_true = known.can_be_true(predicate.node(), Certainty::Perhaps);
        self.is_segment_refused = can_be_true == RowMask::None;
    }

    /// The first columns for which there are bounds.
    fn known<'k>(&'k self, bounds: impl Fn(&'k BoundsColumn) -> Option<&'k BlockBounds>) -> Vec<Column<'k>> {
        let column = |(column, kept): (&StatisticsColumn, &'k Arc<BoundsColumn>)| {
            Some(Column { data_type: column.data_type, bounds: bounds(kept)? })
        };
        self.columns.iter().zip(&self.kept).map_while(column).collect()
    }
}
