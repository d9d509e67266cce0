import time
from tests.budget.calls import *
from tests.builders import *
from tests.budget.calls import draft as bdraft
from tests.soundness import assert_book_sound
async def test_size(api, world):
    for d in (DISTRICT, OTHER_DISTRICT):
        codes=[f"{d}{n:06d}" for n in range(300000, 301213)]
        await world.service.copy_records_to_table('division', columns=['book','code','name','level','parent_code','source'], records=[(d,c,c,'village',f'{d}001','t') for c in codes])
        for fund in ('public_affairs',):
            await world.service.copy_records_to_table('village_list', columns=['book','fund_code','fiscal_year','version','village_code','document_no','recorded_by'], records=[(d,fund,2019,1,c,'名',world.who('city-maker').staff_id) for c in codes])
    await world.owner.execute('ANALYZE')
    line = await adopted(api, '300000000.00', fund='public_affairs')
    body = heading(world, fund_code='public_affairs', fiscal_year=2019, budget_line_id=line)
    t=time.perf_counter(); r=await api.post('city-maker', f'/v1/books/{CITY}/allocations/by-standard?preview=true', body); print('preview', r.status_code, time.perf_counter()-t)
    t=time.perf_counter(); d = await bdraft(api, '/allocations/by-standard', body); print('draft', time.perf_counter()-t, d['line_count'], d['total'])
    t=time.perf_counter(); a=await api.approve('city-approver', CITY, d); print('approve', a.status_code, time.perf_counter()-t)
    assert a.status_code==200, a.text[:500]
    page=(await api.get('city-maker', f'/v1/books/{CITY}/allocations', limit=1000)).json()
    t=time.perf_counter()
    d = await bdraft(api, '/releases', heading(world, kind='full', lines=[{'allocation_id': i['allocation_id']} for i in page['items']])); print('release draft', time.perf_counter()-t)
    t=time.perf_counter(); a=await api.approve('city-approver', CITY, d); print('release', a.status_code, time.perf_counter()-t)
    t=time.perf_counter()
    d = await bdraft(api, '/reversals', heading(world, entry_id=a.json()['entry_id'])); print('reversal draft', time.perf_counter()-t)
    t=time.perf_counter(); a=await api.approve('city-approver', CITY, d); print('reversal', a.status_code, time.perf_counter()-t, a.text[:300])
    for bad in ('0001-01-01','9999-12-31','1899-02-28'):
        for path, extra in (('/releases', dict(kind='instalment', lines=[{'allocation_id': page['items'][0]['allocation_id'],'amount':'1.00'}])),('/budget-lines', dict(fund_code='targeted', fiscal_year=2100, amount='1.00'))):
            x=await api.post('city-maker', f'/v1/books/{CITY}{path}', heading(world, effective_on=bad, **extra))
            print(bad, path, x.status_code, (await api.approve('city-approver', CITY, x.json())).text[:150] if x.status_code==201 else x.text[:200])
    for bad in ('0001-01-01','9999-12-31'):
        o={"name":"x","unit_id":str(world.who('district-maker').unit_id),"role":"accountable","valid_from":bad,"document_no":"x"}
        print((await api.post('district-maker', f'/v1/books/{DISTRICT}/officers', o)).status_code)
        print((await api.get('district-maker', f'/v1/books/{DISTRICT}/officers', on=bad)).status_code)
    await assert_book_sound(world.service)
