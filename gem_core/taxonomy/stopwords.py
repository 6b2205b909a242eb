# ruff: noqa: RUF001
"""Words that cannot name a cluster: function words of many languages and boilerplate words of web pages.

Phrases neither begin nor end with one of them; a few (`CONNECTIVES`) may stand in the middle ("terms of service").
A language that is missing here still works, its labels are only less pretty.
"""

_ENGLISH = """
a about above according across actually after afterwards again against ago ain all almost alone along already also
although always am among amongst an and another any anybody anyhow anyone anything anyway anywhere apart are aren
aren't around as aside ask asked asking at available away b back be became because become becomes becoming been before
beforehand began begin behind being believe below beside besides best better between beyond big both bring but by c ca
call called came can can't cannot cant cause certain certainly clearly come comes coming consider considered
considering contain contains could couldn couldn't couldnt course currently d day days de did didn didn't didnt
different do does doesn doesn't doesnt doing don don't done dont down during e each early eg eight either eleven else
elsewhere end enough entire especially et etc even ever every everybody everyone everything everywhere ex exactly
example except f far few fewer fifteen fifth fifty find first five follow followed following follows for former
formerly forth forty forward found four from full further furthermore g gave get gets getting give given gives giving
go goes going gone gonna good got gotten great h had hadn hadn't happen happened happens hardly has hasn hasn't have
haven haven't having he he'd he'll he's hello hence hey huh her here here's hereafter hereby herein hereupon hers
herself hi high him himself his hither hopefully how how's however hundred i i'd i'll i'm i've ie if im immediate in
inc include included includes including indeed indicate inner instead into inward is isn isn't isnt it it'd it'll it's
its itself ive j just k keep keeps kept kind knew know known knows l large largely last late lately later latter least
left less lest let let's lets like liked likely little ll long longer look looked looking looks lot lots low ltd m
made main mainly make makes making man many may maybe me mean means meant meanwhile mere merely might mightn mine
month months more moreover most mostly move mr mrs ms much must mustn my myself n name namely near nearly necessary
need needed needn needs neither never nevertheless new next nine no nobody non none nonetheless nor normally not
nothing now nowhere o obviously of off often oh ok okay old on once one ones only onto or other others otherwise ought
our ours ourselves out outside over overall own p part particular particularly past per perhaps place placed please
plus possible possibly present presumably probably provide provided provides put q quite r rather re read really
reasonably recent recently regarding regardless regards relatively respectively right round s said same saw say saying
says second secondly see seeing seem seemed seeming seems seen self sent seriously set seven several shall shan she
she'd she'll she's should shouldn shouldn't show showed shown shows side similar similarly simply since six sixty
small so some somebody somehow someone something sometime sometimes somewhat somewhere soon sorry sort specified still
stop such sure t take taken takes taking tell ten tend tends than thank thanks that that'd that'll that's thats the
their theirs them themselves then thence there there's thereafter thereby therefore therein theres thereupon these
they they'd they'll they're they've thing things think thinking third thirty this those though thought thousand three
through throughout thru thus time times to today together told too took top toward towards tried tries true truly try
trying turn turned twelve twenty twice two u under unfortunately unless unlike unlikely until unto up upon us use used
useful user uses using usually v value various ve very via viz vs w want wanted wants was wasn wasn't wasnt way ways
we we'd we'll we're we've week weeks well went were weren weren't what what's whatever when whence whenever where
where's whereas whereby wherein whereupon wherever whether which while whither who who's whoever whole whom whose why
will willing wish with within without won won't wonder wont would writes wrote wanna gotta um uh wow typically refers
added able based wouldn wouldn't x y year years yeah yep yes yesterday yet you you'd you'll you're you've your yours
yourself yourselves youre z zero monday tuesday wednesday thursday friday saturday sunday january february march april
june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
"""
_WEB = """
http https www com org html htm href src img nbsp amp quot lt gt div span css px url click facebook twitter instagram
pinterest copyright reserved rights login signup cookie cookies homepage menu reply comment comments posted post posts
share subscribe newsletter email e-mail fax pm am pdf jpg png gif
"""
_GERMAN = """
aber alle allem allen aller alles als also am an ander andere anderen auch auf aus bei beim bin bis bist da damit dann
das dass dein dem den der des dessen die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem
einen einer eines er es etwas euch euer für gegen hat hatte hatten habe haben hier hin hinter ich ihm ihn ihnen ihr
ihre ihrem ihren ihrer im in ins ist jede jedem jeden jeder jedes jetzt kann kein keine können könnte machen man mehr
mein mich mir mit muss nach nicht nichts noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seit sich sie
sind so soll sollte sondern sonst über um und uns unser unter viel vom von vor war waren warum was weg weil welche
welcher wenn wer werde werden wie wieder will wir wird wo worden wurde wurden zu zum zur zwar zwischen
darauf daran dafür dazu daher dabei dadurch davon deren denen derer hierzu sowie bzw bezüglich gegebenenfalls
je jedoch somit ebenfalls falls sofern indem
folgende folgenden folgender folgendes folgendem sowohl darin darüber darum darunter daraus deshalb deswegen obwohl
während bevor nachdem sobald solange beziehungsweise dennoch trotzdem außerdem zudem ebenso bereits bitte immer
niemals oft manchmal etwa ganz genau gerade gleich kaum meist meistens mindestens allerdings eigentlich einfach einige
einigen einiger einiges manche mancher mehrere mehreren viele vielen vieler wenig wenige weniger wenigen beide beiden
beider beides derselbe dieselbe dasselbe denselben desselben jener jene jenes jenem jenen derjenige diejenige welchem
welchen welches wem wessen wohin woher wodurch womit worauf worin wobei wofür wovon hierbei hierfür folglich sodass
statt anstatt außer innerhalb außerhalb mittels aufgrund gegenüber gemäß trotz wegen neben selbst selber jemand
niemand irgend nämlich vielleicht wahrscheinlich insbesondere beispielsweise üblicherweise normalerweise darf dürfen
müssen musste mussten sollen sollten konnte konnten könnten wollen wollte würde würden hätte hätten wäre wären gewesen
geworden macht lassen lässt stehen steht gibt geben kommt
"""
_FRENCH = """
ai ainsi alors après au aucun aussi autre aux avait avant avec avoir ce cela celle celui ces cet cette chez comme
comment dans de depuis des donc dont du elle elles en encore entre est et eu eux fait faire fois il ils je la le les
leur leurs lors lui ma mais mes moi moins mon ne nos notre nous on ont ou où par parce pas pendant peu peut plus pour
pourquoi puis quand que quel quelle quelques qui quoi sa sans se sera ses si son sont sous sur ta te tes toi ton tous
tout toute toutes très tu un une vos votre vous y été être était étaient c'est d'un d'une qu'il qu'elle qu'un n'est
l'on s'est n'a j'ai
"""
_SPANISH_PORTUGUESE = """
a al algo algunos ante antes aquí así aunque cada como con contra cual cuando de del desde donde dos durante e el él
ella ellas ellos en entre era eran es esa ese eso esta está están estas este esto estos fue fueron ha había han hasta
hay la las le les lo los más me mi mientras muy nada ni no nos nosotros o os otra otro otros para pero poco por porque
pues que qué quien se sea según ser si sí sido sin sobre son su sus también tan tanto te tiene tienen todo todos tras
tu un una uno unos y ya yo ao aos até com da das dele depois do é ela elas ele eles em essa esse isso isto foi já lhe
mais mas mesmo meu minha muito na nas não nem nós num numa ou pela pelas pelo pelos quando são seu seus sua suas
também tem têm um uma você
pueden puede sólo solo solamente usted ustedes existe alguna algún alguno ningún ninguna ninguno simplemente
mediante cualquier cuál cuyo cuya aquel aquella dicho dicha además entonces debe deben
sino cuales quienes cuyos cuyas tampoco luego siempre nunca jamás todavía aún apenas casi mismo misma mismos mismas
otras tal tales tanta tantos tantas mucho mucha muchos muchas poca pocos pocas varios varias algunas nadie alguien
hacia bajo excepto salvo ambos ambas demás dichos dichas aquello esos esas aquellos aquellas siendo será serán estaba
estar haber habrá podría debería hacer hace hacen tener vez veces quizás quizá
"""
_ITALIAN = """
agli ai al alla alle allo anche ancora che chi ci come con cui da dagli dai dal dalla dalle degli dei del della delle
dello di dopo dove e è ed era erano essere fra gli ha hanno ho i il in io la le lei li lo loro lui ma mi mia mio molto
ne negli nei nel nella nelle nello noi non nostro o ogni per perché più poi prima quale quando quanto quella quelle
quelli quello questa queste questi questo se sei senza si sia solo sono stata stato su sua sue sugli sui sul sulla suo
suoi tra tutti tutto un una uno voi
"""
_DUTCH_NORDIC = """
aan al alle als bij dan dat de deze die dit door een en er haar had heeft het hij hoe hun ik in is je kan maar me meer
men met mijn na naar niet nog nu of om omdat onder ons ook op over te tegen toch toen tot uit van veel voor waar was
wat we wel werd wie wij worden wordt ze zei zich zij zijn zo zou alla att av blev bli dem den denna deras det detta
dig där efter ej eller ett från för ha han har hade hon i ikke inte jag med mig mycket ni när och på sig sin som så
till under upp ut var vi vid vill är af at der du et for fra havde hvad hvis jeg man når og skal til ud vil være ei
ettei hän ja joka jos kanssa kuin mutta myös ne niin nyt oli on ovat se sekä sen tai vaan että
"""
_SLAVIC = """
а без более бы был была были было быть в вам вас весь во вот все всего всех вы где да даже для до его ее если есть еще
же за здесь и из или им их к как ко когда кто ли либо мне может мы на над надо не него нет ни них но о об однако он
она они оно от очень по под при с со так также такой там те тем то того тоже той только том ты у уже хотя чего чей чем
что чтобы чье эта эти это этого этой этом этот я aby ale ani asi až bez bo by być był była było były ci co czy dla do
dlatego gdy gdzie go i ich ile im inne ja jak jako je jego jej jest jestem jeszcze już każdy kiedy kto która które
który ku lub ma mi mnie może można mu my na nad nam nas nie niech nic o od on ona one oni oraz po pod poza przed przez
przy są się ta tak takie tam te tego tej ten też to tu tylko tym u w we wszystko więc z za ze że a aj ako alebo anebo
bude byl byla bylo být což já jeho její jen jestli jsem jsou k kde když která které který má mezi ne není než pro
proto protože při s se si sú také tento této tomto už v ve však že
"""
_OTHERS = """
ve bir bu da de için ile çok daha gibi ama ne ki mi olan olarak olduğu sonra kadar her şey var yok değil ancak veya
yang dan di ke dari untuk pada dengan ini itu adalah tidak akan juga atau oleh dalam sebagai telah bisa ada saya kami
mereka kita na ya wa kwa ni katika za la cha vya kuwa hii hiyo huo yake wake pia kama lakini si hilo hiki mwa baada
kutoka hadi huku ambao ambayo ta ba shi a su ce ga don cikin wannan kuma amma daga an suka yi ko sun wata wani har ti
sí tí kan bá fún wọn ó náà àti láti pé bí kí wà ṣe lọ rẹ̀ èyí ka le mo go gore e tse bo tsa mme fa o se nke bụ ndị ọ
n'ihi maka ma onye ha n'ime dị nwere của và là các có cho được trong một không với những người này đã khi cũng như từ
ở και το να του η της με που την από για είναι στο τα τον στη οι στην τη θα ότι σε ένα δεν αυτό αλλά في من على إلى أن
عن مع هذا هذه التي الذي ما لا هو هي كان قد أو كما بعد بين كل لم ثم أي से को के का की में है और हैं पर यह इस कि भी नहीं
ने हो एक था थे वह तो लिए कर कुछ जो ही या এবং এই একটি করে থেকে জন্য হয় তার না ও কি এর যে של את על לא הוא היא זה עם כי
אני או אם גם כל יש היה אבל 이 그 저 것 수 등 및 는 은 을 를 의 에 에서 와 과 도 로 으로 하는 있는 있다 한 할 的
了 是 在 不 有 和 也 就 都 而 及 与 與 或 这 這 那 你
我 他 她 它 们 們 个 個 之 以 于 於 从 從 到 对 對 把 被 让 讓 但 很 更 最 所 其 此 着 過 过 の に は を た が
で て と し れ さ い も な る ら り す き く け こ そ や よ ま せ
ん っ う え お か あ だ ど ば へ め
"""

_CHINESE = """
里 裡 上 下 中 内 內 外 前 后 後 时 時 地 得 给 給 向 往 由 自 将 將 会 會 能 可 要 想 说 說 做 来 來 去 没 沒 没有
沒有 因 因为 因為 所以 如果 虽然 雖然 但是 可是 然后 然後 而且 或者 还 還 还是 還是 已 已经 已經 正 正在 再 又 才 刚
剛 只 只是 这个 這個 那个 那個 这些 這些 那些 什么 什麼 怎么 怎麼 怎样 哪 哪里 哪裡 哪些 谁 誰 我们 我們 你们 你們
他们 他們 她们 它们 自己 大家 一个 一個 一些 一种 一種 一样 每 每个 各 某 另 另外 等 等等 吗 嗎 呢 吧 啊 呀 啦 嘛 非常
十分 比较 比較 可以 可能 应该 應該 必须 必須 需要 进行 進行 通过 通過 由于 由於 关于 關於 对于 對於 根据 根據 按照
以及 并 並 并且 而是 则 則 即 便 如 如何 例如 比如 其中 之间 之前 之后 以前 以后 时候 時候 年 月 日 号 次 种 種 位 件
条 條 第 两 兩 多 少 好 大 小 像 用 使 让 叫 当 當 跟 同 比 为 為 为了 所有 任何 许多 許多 很多 现在 現在 一 二 三 四
五 六 七 八 九 十 百 千 万 萬 不是 就是 也是 不会 不能 不同 起来 出来 成为
这样 這樣 也可以 請 请 見 见 請向 请向 請見 请见 是能 因此 每個 其他 並且 本 该 該 只在 它是
"""
_JAPANESE = """
する した して します しました ある いる ない です ます でした ました こと もの ため よう これ それ あれ どれ この
その あの どの ここ そこ どこ から まで より など ので のに けど だけ しか でも とも という として について によって
による において また または および そして しかし なる なった できる れる られる せる たい さん ほど くらい ところ とき
的 等 者 中 上 下 時 年 月 日
ありま あります ありません すると すれば される された しない できます できない 場合 対して に対して
両 各 により における させる 同じ 同じく それぞれ たとえば 例えば すべて 全て さらに ただし つまり なお まず
ほか 他 もし もしくは 及び 又は 若しくは 並びに ならびに すなわち したがって 従って あるいは かつ ほとんど
いくつか ちょうど 常に まだ もう とても
"""
_THAI = """
ที่ และ ใน ของ เป็น มี ได้ จะ ไม่ ให้ ว่า การ ความ กับ จาก นี้ นั้น ก็ แต่ หรือ เพื่อ โดย คือ อยู่ ไป มา แล้ว ยัง ต้อง
ซึ่ง อย่าง เมื่อ ถ้า เพราะ กัน มาก ผู้ ขึ้น ลง ออก เข้า ตาม ด้วย แห่ง ทั้ง ทุก บาง อีก เรา เขา ฉัน คุณ มัน ใคร อะไร
ไหน ที่ไหน อย่างไร เช่น เท่านั้น ถึง ต่อ ถูก ทำ ใช้ บน หลาย กว่า นะ ครับ ค่ะ คะ จึง เคย ควร อาจ สามารถ ระหว่าง พร้อม
ไว้ เลย นั่น นี่ ๆ
"""

# Function words of one language that are content words of English.
_CONTENT = "war men hat son ton sin sun era mine bin die ai os door toe pod gore tales salvo sino"

#: Function words by language or family, to tell the language of a document.
LANGUAGES: dict[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "English": _ENGLISH,
        "German": _GERMAN,
        "French": _FRENCH,
        "Spanish, Portuguese": _SPANISH_PORTUGUESE,
        "Italian": _ITALIAN,
        "Dutch, Nordic": _DUTCH_NORDIC,
        "Slavic": _SLAVIC,
        "others": _OTHERS,
    }.items()
}
#: Words that name things in English; the corpus decides whether they are function words there.
AMBIGUOUS: frozenset[str] = frozenset(_CONTENT.split()) | {"las", "los"}

#: Words in lower case that neither begin nor end a phrase.
STOP_WORDS: frozenset[str] = frozenset(
    " ".join((*(" ".join(words) for words in LANGUAGES.values()), _WEB, _CHINESE, _JAPANESE, _THAI)).split()
) - frozenset(_CONTENT.split())

_OPENERS = "new high low long old big small first second third self best far los las"
#: Stop words that may begin a phrase, never be one: "New York", "first aid".
OPENERS: frozenset[str] = frozenset(_OPENERS.split())

_CONNECTIVES = "of and in for to de du la von der del"
#: Stop words that may stand in the middle of a phrase of three words.
CONNECTIVES: frozenset[str] = frozenset(_CONNECTIVES.split())
