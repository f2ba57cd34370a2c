//! The commits by which the sample tables grew: appends and compactions.
//!
//! `orders` came half-year by half-year and was compacted to years twice; `customer` came by market segment, in
//! two deliveries, and was compacted once. So their logs hold what real logs hold: adds, removes and tombstones.

use tpchgen::generators::{Customer, Order};

use super::rows::Rows;
use super::tpch::{Generator, customer_rows, order_rows};

/// A data file to be written.
#[derive(Debug)]
pub struct DataPlan {
    /// Names the file within its table, once and for all.
    pub label: String,
    /// The value of the table's partition column.
    pub partition_value: Option<String>,
    pub rows: Rows,
}

/// A commit to be made.
#[derive(Debug)]
pub enum CommitPlan {
    /// The table as such, without rows.
    Create,
    Append(DataPlan),
    /// The rows of the files `removes` move into `adds`.
    Optimize {
        removes: Vec<String>,
        adds: Vec<DataPlan>,
    },
}

/// A table to be written: commit `n` makes version `n`.
#[derive(Debug)]
pub struct TablePlan {
    pub name: &'static str,
    pub description: &'static str,
    pub partition_column: Option<&'static str>,
    pub schema_string: String,
    pub commits: Vec<CommitPlan>,
}

const SEGMENTS: [&str; 5] = ["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"];

/// `orders`, unpartitioned: a reader fetches few files, and statistics still tell the dates apart.
pub fn orders_plan(generator: &Generator) -> TablePlan {
    let orders = generator.orders();
    let half_year = |year: i32, half: i32| DataPlan {
        label: format!("{year}-{half}"),
        partition_value: None,
        rows: select_orders(&orders, |y, h| (y, h) == (year, half)),
    };
    let compaction = |years: std::ops::RangeInclusive<i32>| CommitPlan::Optimize {
        removes: years.clone().flat_map(|year| [format!("{year}-1"), format!("{year}-2")]).collect(),
        adds: years
            .map(|year| DataPlan {
                label: year.to_string(),
                partition_value: None,
                rows: select_orders(&orders, |y, _| y == year),
            })
            .collect(),
    };
    let mut commits = vec![CommitPlan::Create];
    for years in [1992..=1994, 1995..=1997] {
        for year in years.clone() {
            commits.extend([1, 2].map(|half| CommitPlan::Append(half_year(year, half))));
        }
        commits.push(compaction(years));
    }
    // 2 August 1998 is the last day of TPC-H orders.
    commits.extend([1, 2].map(|half| CommitPlan::Append(half_year(1998, half))));
    TablePlan {
        name: "orders",
        description: "TPC-H orders",
        partition_column: None,
        schema_string: order_rows(&[]).schema_string(),
        commits,
    }
}

/// `customer`, partitioned by market segment.
pub fn customer_plan(generator: &Generator) -> TablePlan {
    let customers = generator.customers();
    let middle = customers.get(customers.len() / 2).map_or(0, |customer| customer.c_custkey);
    let file = |label: String, segment: &str, keep: &dyn Fn(&Customer<'_>) -> bool| DataPlan {
        label,
        partition_value: Some(segment.to_owned()),
        rows: select_customers(&customers, |customer| customer.c_mktsegment == segment && keep(customer)),
    };
    let mut commits = vec![CommitPlan::Create];
    commits.extend(SEGMENTS.map(|segment| {
        let old = |customer: &Customer<'_>| customer.c_custkey < middle;
        CommitPlan::Append(file(format!("{segment}-1"), segment, &old))
    }));
    commits.extend(SEGMENTS.map(|segment| {
        let new = |customer: &Customer<'_>| customer.c_custkey >= middle;
        CommitPlan::Append(file(format!("{segment}-2"), segment, &new))
    }));
    commits.push(CommitPlan::Optimize {
        removes: SEGMENTS.iter().flat_map(|segment| [1, 2].map(|part| format!("{segment}-{part}"))).collect(),
        adds: SEGMENTS.map(|segment| file(segment.to_owned(), segment, &|_| true)).into(),
    });
    TablePlan {
        name: "customer",
        description: "TPC-H customer, partitioned by market segment",
        partition_column: Some("c_mktsegment"),
        schema_string: customer_rows(&[]).schema_string(),
        commits,
    }
}

/// The orders whose year and half-year (1 or 2) satisfy `keep`.
fn select_orders(orders: &[Order<'_>], keep: impl Fn(i32, i32) -> bool) -> Rows {
    let kept: Vec<&Order<'_>> = orders
        .iter()
        .filter(|order| {
            let (year, month, _) = order.o_orderdate.to_ymd();
            keep(1900 + year, if month <= 6 { 1 } else { 2 })
        })
        .collect();
    order_rows(&kept)
}

fn select_customers(customers: &[Customer<'_>], keep: impl Fn(&Customer<'_>) -> bool) -> Rows {
    let kept: Vec<&Customer<'_>> = customers.iter().filter(|customer| keep(customer)).collect();
    customer_rows(&kept)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Rows of the last version, by label; panics where a commit removes what is not there.
    fn live_rows(plan: &TablePlan) -> usize {
        let mut live = BTreeMap::new();
        for commit in &plan.commits {
            match commit {
                CommitPlan::Create => {}
                CommitPlan::Append(data) => {
                    assert!(live.insert(&data.label, data.rows.row_count()).is_none());
                }
                CommitPlan::Optimize { removes, adds } => {
                    let gone: usize = removes.iter().map(|label| live.remove(label).unwrap()).sum();
                    let come: usize = adds.iter().map(|data| data.rows.row_count()).sum();
                    assert_eq!(gone, come, "a compaction keeps the rows");
                    live.extend(adds.iter().map(|data| (&data.label, data.rows.row_count())));
                }
            }
        }
        live.values().sum()
    }

    #[test]
    fn every_row_ends_in_exactly_one_file() {
        let generator = Generator::new(0.001, 1 << 20);
        assert_eq!(live_rows(&orders_plan(&generator)), 1_500);
        assert_eq!(live_rows(&customer_plan(&generator)), 150);
    }

    #[test]
    fn both_tables_reach_a_checkpoint_at_version_ten() {
        let generator = Generator::new(0.0001, 1 << 20);
        assert_eq!(orders_plan(&generator).commits.len(), 17);
        assert_eq!(customer_plan(&generator).commits.len(), 12);
    }
}
