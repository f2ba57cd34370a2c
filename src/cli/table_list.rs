//! `table list` and `table tree`.

use serde_json::json;

use super::args::table::{TableList, TableTree};
use super::catalog::address::{Namespace, Root, Warehouse};
use super::catalog::client::{Catalog, Kind};
use super::catalog::walk::{self, Listing};
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::printer::Tone;

/// Lists tables: of one namespace, of a warehouse, or of all warehouses.
pub(crate) async fn list(context: &Context, args: &TableList) -> Result<(), Fault> {
    let root = Root::parse(&args.target)?;
    let catalog = Catalog::find(context, &root.alias)?;
    let kinds: &[Kind] = if args.views { &[Kind::Table, Kind::View] } else { &[Kind::Table] };
    let mut rows: Vec<[String; 4]> = Vec::new();
    let listing = Listing { root: &root, recursive: args.recursive, kinds };
    walk::each_entry(&catalog, listing, |namespace, kind, name| {
        rows.push(show(context, namespace, kind, name));
        context.printer.flow()
    })
    .await?;
    let printer = &context.printer;
    if rows.is_empty() {
        printer
            .note(&format!("'{root}' has no tables. Make one: lakeshare table create, or with an engine."));
        return Ok(());
    }
    for line in human::table(["WAREHOUSE", "NAMESPACE", "TABLE", "KIND"], &rows) {
        printer.line(&printer.tone(Tone::Plain, &line));
    }
    Ok(())
}

/// Tells of one table in JSON, and gives its line for people.
fn show(context: &Context, namespace: &Namespace, kind: Kind, name: String) -> [String; 4] {
    context.printer.object(&json!({
        "type": kind.word(),
        "warehouse": namespace.warehouse.name,
        "namespace": namespace.levels,
        "name": name,
    }));
    [namespace.warehouse.name.clone(), namespace.name(), name, kind.word().to_owned()]
}

/// What stands at one place of the tree.
enum Node {
    Warehouse(Warehouse),
    Namespace(Namespace),
    Entry { kind: Kind, namespace: Namespace, name: String },
}

impl Node {
    /// What is below it; `None` for tables and views, which hold nothing.
    fn inside(&self) -> Option<Namespace> {
        match self {
            Self::Warehouse(warehouse) => {
                Some(Namespace { warehouse: warehouse.clone(), levels: Vec::new() })
            }
            Self::Namespace(namespace) => Some(namespace.clone()),
            Self::Entry { .. } => None,
        }
    }

    /// The word that stands for it in JSON.
    fn word(&self) -> &'static str {
        match self {
            Self::Warehouse(_) => "warehouse",
            Self::Namespace(_) => "namespace",
            Self::Entry { kind, .. } => kind.word(),
        }
    }

    /// Its own name, without what is around it.
    fn name(&self) -> &str {
        match self {
            Self::Warehouse(warehouse) => &warehouse.name,
            Self::Namespace(namespace) => namespace.levels.last().map_or("", String::as_str),
            Self::Entry { name, .. } => name,
        }
    }
}

/// Shows what is below a server, a warehouse or a namespace, one namespace after the other.
pub(crate) async fn tree(context: &Context, args: &TableTree) -> Result<(), Fault> {
    let root = Root::parse(&args.target)?;
    let catalog = Catalog::find(context, &root.alias)?;
    let mut warehouses = walk::warehouses(&catalog, root.warehouse.as_deref()).await?;
    let top = match warehouses.pop_if(|_| root.warehouse.is_some()) {
        None => warehouses.into_iter().map(Node::Warehouse).collect(),
        Some(warehouse) => {
            let namespace = Namespace { warehouse, levels: root.levels.clone() };
            if !namespace.levels.is_empty() {
                catalog.get_namespace(&namespace).await?;
            }
            below(&catalog, &namespace).await?
        }
    };
    context.printer.line(&context.printer.tone(Tone::Strong, &root.to_string()));
    descend(context, &catalog, args.depth, top).await
}

/// Namespaces, tables and views directly below a namespace, in this order.
async fn below(catalog: &Catalog, namespace: &Namespace) -> Result<Vec<Node>, Fault> {
    let mut nodes: Vec<Node> =
        walk::children(catalog, namespace).await?.into_iter().map(Node::Namespace).collect();
    if namespace.levels.is_empty() {
        return Ok(nodes);
    }
    for kind in [Kind::Table, Kind::View] {
        let names = walk::entries(catalog, kind, namespace).await?;
        nodes.extend(names.into_iter().map(|name| Node::Entry { kind, namespace: namespace.clone(), name }));
    }
    Ok(nodes)
}

async fn descend(
    context: &Context,
    catalog: &Catalog,
    depth: Option<u16>,
    top: Vec<Node>,
) -> Result<(), Fault> {
    let depth_max = depth.map_or(usize::MAX, usize::from);
    let mut open = vec![top.into_iter()];
    // What stands before the lines of each open level but the last: whether more follows there.
    let mut rails: Vec<&str> = Vec::new();
    loop {
        let depth = open.len();
        let Some(level) = open.last_mut() else { return Ok(()) };
        let Some(node) = level.next() else {
            open.pop();
            rails.pop();
            continue;
        };
        let is_last = level.len() == 0;
        print(context, &rails.concat(), is_last, depth, &node);
        if context.printer.is_closed() {
            return Ok(());
        }
        if let Some(namespace) = node.inside()
            && depth < depth_max
        {
            rails.push(if is_last { "   " } else { "│  " });
            open.push(below(catalog, &namespace).await?.into_iter());
        }
    }
}

fn print(context: &Context, rails: &str, is_last: bool, depth: usize, node: &Node) {
    let printer = &context.printer;
    let branch = if is_last { "└─ " } else { "├─ " };
    let name = match node {
        Node::Warehouse(_) | Node::Namespace(_) => printer.tone(Tone::Name, &format!("{}/", node.name())),
        Node::Entry { kind: Kind::Table, name, .. } => printer.tone(Tone::Plain, name),
        Node::Entry { kind: Kind::View, name, .. } => printer.tone(Tone::Plain, &format!("{name} [view]")),
    };
    printer.line(&format!("{rails}{branch}{name}"));
    let (warehouse, namespace) = match node {
        Node::Warehouse(warehouse) => (&warehouse.name, Vec::new()),
        Node::Namespace(namespace) | Node::Entry { namespace, .. } => {
            (&namespace.warehouse.name, namespace.levels.clone())
        }
    };
    printer.object(&json!({
        "type": node.word(),
        "warehouse": warehouse,
        "namespace": namespace,
        "name": node.name(),
        "depth": depth,
    }));
}
