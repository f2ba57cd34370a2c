package org.apache.iceberg.rest;

import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The kit's tests for a catalog whose namespaces nest and whose tables lie in a bucket each to themselves. */
public class WarehouseKitTests extends RESTCompatibilityKitCatalogTests {
  /** The kit clears away before each test only, and does not know of what its nested ones leave. */
  @AfterEach
  void clear() {
    RCKUtils.purgeCatalogTestEntries(catalog());
    catalog().dropNamespace(Namespace.of("parent"));
  }

  @Override
  protected boolean supportsNestedNamespaces() {
    return true;
  }

  /** In place of `file:…`, where nothing of a warehouse may lie. */
  @Override
  protected String baseTableLocation(TableIdentifier table) {
    return "s3://" + System.getProperty("warehouse") + "/kit/" + table.namespace() + "/" + table.name();
  }

  /** The kit leaves it out for its own server, which has to be told to do so. */
  @Override
  @Test
  public void createTableInUniqueLocation() {
    super.createTableInUniqueLocation();
  }
}
