"""``capacity-opt schema``."""

from __future__ import annotations

import json
from typing import Any

import click

from capacity_opt.cli.output import Output, common


@click.command("schema", short_help="The format of scenarios.")
@click.option("--tables", is_flag=True, help="The columns of the tables instead.")
@common
def command(tables: bool, as_json: bool, quiet: bool, verbose: int) -> int:
    """Print the JSON Schema of scenario.toml, with descriptions and units; editors complete and check with it.

    \b
    Examples:
      capacity-opt schema > scenario.schema.json
      capacity-opt schema --tables
    """
    output = Output(as_json, quiet, verbose)
    value = _tables() if tables else _keys()
    output.result(json.dumps(value, indent=1, ensure_ascii=True))
    return 0


def _keys() -> dict[str, Any]:
    from capacity_opt.scenario.spec import Spec

    schema = Spec.model_json_schema()
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "folder of another scenario under the same parent, from which all else is taken",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _tables() -> dict[str, Any]:
    from capacity_opt.scenario import schema
    from capacity_opt.scenario.customer_tables import CUSTOMER_TABLES
    from capacity_opt.scenario.recommend_tables import RECOMMEND_TABLES
    from capacity_opt.scenario.requests import REQUESTS

    return {
        table.name: {
            "description": table.meaning,
            "key": list(table.key),
            "columns": [
                {
                    "name": column.name,
                    "type": column.kind,
                    "rule": column.rule,
                    "unit": column.unit,
                    "required": column.required,
                    "default": None if column.required else str(column.default),
                    "description": column.meaning,
                }
                for column in table.columns
            ],
        }
        for table in (
            *schema.FLEET_TABLES,
            *schema.PLACEMENT_TABLES,
            REQUESTS,
            *CUSTOMER_TABLES,
            *RECOMMEND_TABLES,
            schema.ITEMS,
        )
    }
