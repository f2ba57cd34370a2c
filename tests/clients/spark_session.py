"""A small Spark session in this process, with the catalogs that printed settings name."""
import glob
import os
import pathlib


def settings_in(file):
    """What `lakeshare table config … --spark` printed into a file."""
    lines = pathlib.Path(file).read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines if line[0] != "#")


def start(name, jars, settings, heap):
    """The session; settings count more than its own. `jars` is a folder."""
    os.environ.update(AWS_REGION="us-east-1", SPARK_LOCAL_IP="127.0.0.1")
    from pyspark.sql import SparkSession
    found = [jar for jar in sorted(glob.glob(f"{jars}/*.jar")) if not os.path.basename(jar).startswith("scala-library")]
    settings = {
        "spark.jars": ",".join(map(os.path.abspath, found)), "spark.driver.memory": heap, "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "2", "spark.default.parallelism": "2",
        "spark.sql.session.timeZone": "UTC",
    } | settings
    builder = SparkSession.builder.master("local[2]").appName(name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
