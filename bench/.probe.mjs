import { fork } from 'node:child_process'
import http from 'node:http'
import got, { Options } from 'got'
import * as undici from 'undici'
const child = fork('/tmp/outb/recv.mjs'); const port = await new Promise(r=>child.once('message',r))
const base=`http://127.0.0.1:${port}`
const N=Number(process.argv[2]??6000), C=32
const agent = new http.Agent({keepAlive:true})
const headers={'user-agent':'x/1','x-a':'b'}
const g = got.extend({retry:{limit:0},followRedirect:false,throwHttpErrors:false,decompress:false,agent:{http:agent}, headers:{'user-agent':'x'}})
const gHooks = g
const pool = new undici.Pool(base,{connections:C,pipelining:1})
let n=0; const url=()=>`${base}/postback?clickid=abc${n++}&payout=1.25&status=approved`
const readStream=(s)=>new Promise((res,rej)=>{const c=[];s.on('data',d=>c.push(d));s.once('end',()=>res(Buffer.concat(c)));s.once('error',rej)})
const forms={
 nodehttp:()=>new Promise((res,rej)=>{const r=http.request(url(),{agent,headers},m=>{const c=[];m.on('data',d=>c.push(d));m.on('end',()=>res(Buffer.concat(c)))});r.on('error',rej);r.end()}),
 undici_dispatch:()=>new Promise((res,rej)=>{const u=new URL(url());const c=[];pool.dispatch({path:u.pathname+u.search,method:'GET',headers},{onRequestStart(){},onResponseStart(){},onResponseData(_,d){c.push(d)},onResponseEnd(){res(Buffer.concat(c))},onResponseError(_,e){rej(e)}})}),
 undici_request:async()=>{const r=await undici.request(url(),{dispatcher:pool,headers});return r.body.text()},
 got_plain:()=>got(url(),{retry:{limit:0},followRedirect:false,throwHttpErrors:false,decompress:false,agent:{http:agent},headers}),
 got_ext:()=>g(url(),{headers}),
 got_ext_urlobj:()=>g(new URL(url()),{headers}),
 got_ext_buffer:()=>g(url(),{headers,responseType:'buffer'}),
 got_stream:()=>readStream(g.stream(url(),{headers})),
 got_stream_resp:()=>new Promise((res,rej)=>{const s=g.stream(url(),{headers});s.once('response',m=>{const c=[];m.on('data',d=>c.push(d));m.once('end',()=>{s.destroy();res(Buffer.concat(c))})});s.once('error',rej)}),
 got_noheaders:()=>g(url()),
}
async function run(f,k){let i=0;const w=async()=>{while(i<k){i++;await f()}};await Promise.all(Array.from({length:C},w))}
const sel=process.argv[3]?.split(',')??Object.keys(forms)
for(const k of sel){await run(forms[k],1500)}
for(let round=0;round<2;round++)for(const k of sel){const c0=process.cpuUsage(),t0=performance.now();await run(forms[k],N);const c=process.cpuUsage(c0);console.log(k.padEnd(18),((c.user+c.system)/N).toFixed(0),'us cpu',(N/((performance.now()-t0)/1000)).toFixed(0),'/s')}
child.kill();process.exit()
