//! The TPC-H generator's rows, column by column.

use tpchgen::dates::TPCHDate;
use tpchgen::distribution::Distributions;
use tpchgen::generators::{Customer, CustomerGenerator, Order, OrderGenerator};
use tpchgen::text::TextPool;

use super::rows::{Column, Rows, Values};

/// Bytes of the text that comments are cut from, as the TPC-H specification has it.
pub const TEXT_POOL_BYTES: i32 = 300 << 20;

/// A generator of TPC-H rows that owns its pool of text, so that 300 MB go when it goes.
#[derive(Debug)]
pub struct Generator {
    scale_factor: f64,
    pool: TextPool,
}

impl Generator {
    /// `scale_factor` 1 is 1,500,000 orders; comments agree with other generators only for `TEXT_POOL_BYTES`.
    pub fn new(scale_factor: f64, text_pool_bytes: i32) -> Self {
        let pool = TextPool::new(text_pool_bytes, Distributions::static_default());
        Self { scale_factor, pool }
    }

    /// All orders in the order of their keys.
    pub fn orders(&self) -> Vec<Order<'_>> {
        let distributions = Distributions::static_default();
        OrderGenerator::new_with_distributions_and_text_pool(
            self.scale_factor,
            1,
            1,
            distributions,
            &self.pool,
        )
        .iter()
        .collect()
    }

    /// All customers in the order of their keys.
    pub fn customers(&self) -> Vec<Customer<'_>> {
        let distributions = Distributions::static_default();
        CustomerGenerator::new_with_distributions_and_text_pool(
            self.scale_factor,
            1,
            1,
            distributions,
            &self.pool,
        )
        .iter()
        .collect()
    }
}

/// The columns of `orders` for the given rows.
pub fn order_rows(orders: &[&Order<'_>]) -> Rows {
    fn column<'a, T>(orders: &[&Order<'a>], value: impl Fn(&Order<'a>) -> T) -> Vec<T> {
        orders.iter().map(|order| value(order)).collect()
    }
    let columns = [
        ("o_orderkey", Values::Long(column(orders, |order| order.o_orderkey))),
        ("o_custkey", Values::Long(column(orders, |order| order.o_custkey))),
        ("o_orderstatus", Values::Text(column(orders, |order| order.o_orderstatus.to_string()))),
        ("o_totalprice", Values::Decimal(column(orders, |order| order.o_totalprice.into_inner()))),
        ("o_orderdate", Values::Date(column(orders, |order| unix_days(order.o_orderdate)))),
        ("o_orderpriority", Values::Text(column(orders, |order| order.o_orderpriority.to_owned()))),
        ("o_clerk", Values::Text(column(orders, |order| order.o_clerk.to_string()))),
        ("o_shippriority", Values::Integer(column(orders, |order| order.o_shippriority))),
        ("o_comment", Values::Text(column(orders, |order| order.o_comment.to_owned()))),
    ];
    Rows { columns: columns.map(|(name, values)| Column { name, values }).into() }
}

/// The columns of `customer` for the given rows.
pub fn customer_rows(customers: &[&Customer<'_>]) -> Rows {
    fn column<'a, T>(customers: &[&Customer<'a>], value: impl Fn(&Customer<'a>) -> T) -> Vec<T> {
        customers.iter().map(|customer| value(customer)).collect()
    }
    let columns = [
        ("c_custkey", Values::Long(column(customers, |customer| customer.c_custkey))),
        ("c_name", Values::Text(column(customers, |customer| customer.c_name.to_string()))),
        ("c_address", Values::Text(column(customers, |customer| customer.c_address.to_string()))),
        ("c_nationkey", Values::Long(column(customers, |customer| customer.c_nationkey))),
        ("c_phone", Values::Text(column(customers, |customer| customer.c_phone.to_string()))),
        ("c_acctbal", Values::Decimal(column(customers, |customer| customer.c_acctbal.into_inner()))),
        ("c_mktsegment", Values::Text(column(customers, |customer| customer.c_mktsegment.to_owned()))),
        ("c_comment", Values::Text(column(customers, |customer| customer.c_comment.to_owned()))),
    ];
    Rows { columns: columns.map(|(name, values)| Column { name, values }).into() }
}

fn unix_days(date: TPCHDate) -> i32 {
    date.into_inner() + TPCHDate::UNIX_EPOCH_OFFSET
}
