from wire import SqlError


def judge(sql, settings):
    return []
