"""Names of columns that say whose a row is: of which machine, sensor or place, and names that are of states."""

import re

__all__ = ["KEY_NAME", "MACHINE_NAME", "NUMBERED", "PLACE", "SENSOR_NAME", "STATE_NAME"]

KEY_NAME = re.compile(r"\w*id|(unit|machine|engine|device|station|node|asset|site)(number|no|nr)?")
MACHINE_NAME = re.compile(
    r"(smart)?(meter|unit|machine|engine|device|station|node|asset|site|plant|building|house|household|turbine"
    r"|vehicle|customer|pump)(id|name|number|no|nr|code)?"
)
SENSOR_NAME = re.compile(
    r".*(sensor|tag|var(iable|name|$)|metric|parameter|channel|measure|quantity|signal|item|kpi|field|topic|entity"
    r"|attribute|property|point|object|pollutant|series|what).*"
)
NUMBERED = re.compile(
    r"(the)?(index|idx|nr|no|num|number|channel|chan|ch|gpu|cpu|core|bus|node|zone|slot|port|rack|probe|sensor|plot|well"
    r"|rep(licate)?|lane|axis|loop|line|room|floor|unit|tank|cell|module|string|inverter|panel|pump|battery|pack|device"
    r"|dev|disk|address|addr|group|bay|tray|location|loc|site|station|mote|board|card|pin|block|field|tree|pen|stall"
    r"|run|series|animal|subject|patient|user|logger|meter|machine|engine|motor|phase|stage|section|area|region|wmo)"
    r"(id|no|nr|num|number|index|code)?"
)
PLACE = re.compile(
    r"(lat(itude)?|lon(g(itude)?)?|lng|depth|tiefe|height|elev(ation)?|level|layer)(m|cm|mm|ft|deg)?"
)
"""Names of numbers that say of which machine a row is, or from where, if they tell rows of one time apart."""
STATE_NAME = re.compile(
    r".*(state|status|mode|alarm|event|phase|direction|dir|zustand|betriebsart|quality|validity)s?"
)
"""Of texts that are measured themselves."""
