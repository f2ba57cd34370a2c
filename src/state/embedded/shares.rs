//! Shares with their schemas and tables, as SQL.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::query::{collect, column, execute, from_json, id, json_of};
use super::{sources, tokens};
use crate::limits;
use crate::state::change::{Edit, NewShare, NewTable, SharePatch, ShareStamp, TableName};
use crate::state::error::Error;
use crate::state::name::{self, Of};
use crate::state::record::{Schema, Share, Table, TableOptions};

pub(super) fn create(connection: &Connection, share: &NewShare, now_ms: i64) -> Result<Share, Error> {
    name::check(Of::Share, &share.name)?;
    if find(connection, &share.name)?.is_some() {
        return Err(Error::ShareExists { name: share.name.clone() });
    }
    let header = Share {
        id: Uuid::new_v4(),
        name: share.name.clone(),
        description: share.description.clone(),
        properties: share.properties.clone(),
        created_ms: now_ms,
        updated_ms: now_ms,
        schemas: Vec::new(),
    };
    execute(
        connection,
        "INSERT INTO shares (id, name, name_key, description, properties, created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        (
            header.id.to_string(),
            &header.name,
            name::fold(&header.name),
            &header.description,
            json_of(&header.properties),
            now_ms,
        ),
    )?;
    add_tables(connection, &header, &share.tables)?;
    with_tables(connection, header)
}

pub(super) fn get(connection: &Connection, share: &str) -> Result<Share, Error> {
    with_tables(connection, require(connection, share)?)
}

pub(super) fn list(connection: &Connection) -> Result<Vec<Share>, Error> {
    let select =
        "SELECT id, name, description, properties, created_ms, updated_ms FROM shares ORDER BY name_key";
    let mut shares = collect(connection, select, [], header_of)?;
    let select = "SELECT schemas.share_id, schemas.name, tables.id, tables.name,
                         tables.options, tables.source_type, tables.bucket, tables.location,
                         tables.namespace, tables.entry, tables.reference
                  FROM schemas JOIN tables ON tables.schema_id = schemas.id
                  ORDER BY schemas.share_id, schemas.name_key, tables.name_key";
    let mut schemas: HashMap<Uuid, Vec<Schema>> = HashMap::new();
    collect(connection, select, [], |row| read_table(row, &mut schemas))?;
    for share in &mut shares {
        share.schemas = schemas.remove(&share.id).unwrap_or_default();
    }
    Ok(shares)
}

pub(super) fn update(
    connection: &Connection,
    share: &str,
    patch: &SharePatch,
    expected: Option<&[ShareStamp]>,
    now_ms: i64,
) -> Result<Share, Error> {
    let mut header = require_expected(connection, share, expected)?;
    if patch.is_empty() {
        return with_tables(connection, header);
    }
    for table in &patch.remove {
        remove_table(connection, &header, table)?;
    }
    execute(
        connection,
        "DELETE FROM schemas WHERE share_id = ?1
         AND NOT EXISTS (SELECT 1 FROM tables WHERE schema_id = schemas.id)",
        [header.id.to_string()],
    )?;
    add_tables(connection, &header, &patch.add)?;
    match &patch.description {
        Edit::Keep => {}
        Edit::Clear => header.description = None,
        Edit::Set(text) => header.description = Some(text.clone()),
    }
    if let Some(properties) = &patch.properties {
        header.properties.clone_from(properties);
    }
    // Strictly forward, or two states of a share could carry one stamp.
    header.updated_ms = now_ms.max(header.updated_ms.saturating_add(1));
    execute(
        connection,
        "UPDATE shares SET description = ?2, properties = ?3, updated_ms = ?4 WHERE id = ?1",
        (header.id.to_string(), &header.description, json_of(&header.properties), header.updated_ms),
    )?;
    with_tables(connection, header)
}

pub(super) fn remove(
    connection: &Connection,
    share: &str,
    expected: Option<&[ShareStamp]>,
) -> Result<(), Error> {
    let header = require_expected(connection, share, expected)?;
    tokens::remove_opening_only(connection, header.id)?;
    execute(connection, "DELETE FROM shares WHERE id = ?1", [header.id.to_string()]).map(|_| ())
}

/// The share without its schemas.
pub(super) fn require(connection: &Connection, share: &str) -> Result<Share, Error> {
    find(connection, share)?.ok_or_else(|| Error::ShareNotFound { name: share.to_owned() })
}

fn require_expected(
    connection: &Connection,
    share: &str,
    expected: Option<&[ShareStamp]>,
) -> Result<Share, Error> {
    let header = require(connection, share)?;
    match expected {
        Some(stamps) if !stamps.contains(&ShareStamp::of(&header)) => {
            Err(Error::ShareChanged { name: header.name })
        }
        _ => Ok(header),
    }
}

fn find(connection: &Connection, share: &str) -> Result<Option<Share>, Error> {
    let select = "SELECT id, name, description, properties, created_ms, updated_ms
                  FROM shares WHERE name_key = ?1";
    Ok(collect(connection, select, [name::fold(share)], header_of)?.pop())
}

fn header_of(row: &Row<'_>) -> Result<Share, Error> {
    Ok(Share {
        id: id(row, 0)?,
        name: column(row, 1)?,
        description: column(row, 2)?,
        properties: from_json::<BTreeMap<String, String>>("a share's properties", column(row, 3)?)?,
        created_ms: column(row, 4)?,
        updated_ms: column(row, 5)?,
        schemas: Vec::new(),
    })
}

fn with_tables(connection: &Connection, mut share: Share) -> Result<Share, Error> {
    let select = "SELECT schemas.share_id, schemas.name, tables.id, tables.name,
                         tables.options, tables.source_type, tables.bucket, tables.location,
                         tables.namespace, tables.entry, tables.reference
                  FROM schemas JOIN tables ON tables.schema_id = schemas.id
                  WHERE schemas.share_id = ?1
                  ORDER BY schemas.name_key, tables.name_key";
    let mut schemas: HashMap<Uuid, Vec<Schema>> = HashMap::new();
    collect(connection, select, [share.id.to_string()], |row| read_table(row, &mut schemas))?;
    share.schemas = schemas.remove(&share.id).unwrap_or_default();
    Ok(share)
}

/// Puts the table of `row` into its share; rows of one schema follow each other.
fn read_table(row: &Row<'_>, by_share: &mut HashMap<Uuid, Vec<Schema>>) -> Result<(), Error> {
    let schema: String = column(row, 1)?;
    let table = Table {
        id: id(row, 2)?,
        name: column(row, 3)?,
        options: from_json::<TableOptions>("a table's options", column(row, 4)?)?,
        source: sources::read(row, 5)?,
    };
    let schemas = by_share.entry(id(row, 0)?).or_default();
    match schemas.last_mut() {
        Some(last) if last.name == schema => last.tables.push(table),
        _ => schemas.push(Schema { name: schema, tables: vec![table] }),
    }
    Ok(())
}

fn remove_table(connection: &Connection, share: &Share, table: &TableName) -> Result<(), Error> {
    let count = execute(
        connection,
        "DELETE FROM tables WHERE name_key = ?3
         AND schema_id = (SELECT id FROM schemas WHERE share_id = ?1 AND name_key = ?2)",
        (share.id.to_string(), name::fold(&table.schema), name::fold(&table.table)),
    )?;
    if count == 0 {
        let TableName { schema, table } = table.clone();
        return Err(Error::TableNotFound { share: share.name.clone(), schema, table });
    }
    Ok(())
}

fn add_tables(connection: &Connection, share: &Share, tables: &[NewTable]) -> Result<(), Error> {
    for table in tables {
        name::check(Of::Schema, &table.schema)?;
        name::check(Of::Table, &table.name)?;
        let schema_id = find_or_make_schema(connection, share.id, &table.schema)?;
        let (table_id, key) = (Uuid::new_v4().to_string(), name::fold(&table.name));
        let source = sources::Columns::of(&table.source);
        let count = execute(
            connection,
            "INSERT INTO tables (id, schema_id, name, name_key, options,
                                 source_type, bucket, location, namespace, entry, reference)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (schema_id, name_key) DO NOTHING",
            (
                table_id,
                schema_id,
                &table.name,
                key,
                json_of(&table.options),
                source.source_type,
                source.bucket,
                source.location,
                source.namespace,
                source.entry,
                source.reference,
            ),
        )?;
        if count == 0 {
            let NewTable { schema, name, .. } = table.clone();
            return Err(Error::TableExists { share: share.name.clone(), schema, table: name });
        }
    }
    let count = count_tables(connection, share.id)?;
    if count > limits::SHARE_TABLES_MAX {
        return Err(Error::TooManyTables { name: share.name.clone(), count });
    }
    Ok(())
}

fn find_or_make_schema(connection: &Connection, share: Uuid, schema: &str) -> Result<String, Error> {
    let key = name::fold(schema);
    let select = "SELECT id FROM schemas WHERE share_id = ?1 AND name_key = ?2";
    let found = collect(connection, select, (share.to_string(), &key), |row| column(row, 0))?;
    if let Some(id) = found.into_iter().next() {
        return Ok(id);
    }
    let id = Uuid::new_v4().to_string();
    execute(
        connection,
        "INSERT INTO schemas (id, share_id, name, name_key) VALUES (?1, ?2, ?3, ?4)",
        (&id, share.to_string(), schema, &key),
    )?;
    Ok(id)
}

fn count_tables(connection: &Connection, share: Uuid) -> Result<usize, Error> {
    let select = "SELECT count(*) FROM tables JOIN schemas ON tables.schema_id = schemas.id
                  WHERE schemas.share_id = ?1";
    let counts = collect(connection, select, [share.to_string()], |row| column::<i64>(row, 0))?;
    Ok(counts.first().map_or(0, |&count| usize::try_from(count).unwrap_or(usize::MAX)))
}
