from longstride.storage.memory import memory_of_machine


def test_the_memory_of_this_machine_is_known() -> None:
    assert memory_of_machine() > 2**26
