; Lets the program in from networks that Windows takes for private, and takes that back when it is removed.
; Rules take an administrator: where nobody is one, nothing is changed, and Windows asks at the first start, when rooms
; nearby are listened for (UDP).

; Ours alone have that name. Others for the program are somebody's will, and stay: an administrator's, or a no to Windows'
; question, which wins over all that allow.
!define CHATSPOT_RULES "ChatSpot (private networks)"

!macro CHATSPOT_FORGET_RULES
  nsExec::ExecToLog '"$SYSDIR\netsh.exe" advfirewall firewall delete rule name="${CHATSPOT_RULES}" dir=in program="$INSTDIR\${MAINBINARYNAME}.exe"'
  Pop $0
!macroend

!macro CHATSPOT_ALLOW PROTOCOL
  nsExec::ExecToLog '"$SYSDIR\netsh.exe" advfirewall firewall add rule name="${CHATSPOT_RULES}" dir=in action=allow profile=private protocol=${PROTOCOL} program="$INSTDIR\${MAINBINARYNAME}.exe" enable=yes'
  Pop $0
!macroend

!macro NSIS_HOOK_POSTINSTALL
  ; Of the version before: twice the same rule is twice the same line in the lists.
  !insertmacro CHATSPOT_FORGET_RULES
  !insertmacro CHATSPOT_ALLOW TCP
  !insertmacro CHATSPOT_ALLOW UDP
!macroend

!macro NSIS_HOOK_PREUNINSTALL
  !insertmacro CHATSPOT_FORGET_RULES
!macroend
